"""The commands of the runtime, a module each."""
