"""The commands of the runtime, one module each."""
