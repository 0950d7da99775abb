"""The command line: thin functions over the library.

app.py        the commands of all installed stages, errors, exit codes
summaries.py  what each of them does, for `edgeecho --help`
commands/     a module for each command
options/      options that commands share
reports.py    what `infer` prints and writes
outputs.py    outputs must not overwrite inputs
stream.py     what `stream` prints
service.py    what `serve` and `listen` share
"""
