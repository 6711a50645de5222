#!/bin/sh
# Prints the Python to use: the first that starts and is new enough, 3.11 first (the one that Binder uses and that the
# stored outputs were made with). With none new enough, prints any that starts: tools/environment.py says what is wrong.
for name in python3.11 python3.12 python3.13 python3 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$name"
        exit
    fi
done
for name in python3 python; do
    if "$name" -c '' >/dev/null 2>&1; then
        echo "$name"
        exit
    fi
done
