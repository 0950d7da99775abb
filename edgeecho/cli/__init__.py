"""The command line: thin functions over the library.

app.py      the commands of all installed stages, errors, exit codes
commands/   a module for each command
options/    options that commands share
reports.py  what `infer` prints and writes
outputs.py  outputs must not overwrite inputs
stream.py   `infer --stream`
service.py  what `serve` and `listen` share
"""
