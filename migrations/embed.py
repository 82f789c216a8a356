#!/usr/bin/env python3
"""Turns the migrations of this folder into C: embed.py FOLDER OUTPUT DEPFILE.

The depfile names the folder itself as well as each file, so that ninja runs this again when a file comes, goes or changes.
"""

import os
import re
import sys


def migrations(folder):
    """(number, name, text) of every NNNN_name.sql, in order; ends the program where the folder cannot be right."""
    found = []
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".sql"):
            continue
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", file)
        if match is None:
            sys.exit(f"{file}: a migration's name is NNNN_name.sql, in small letters, digits and underscores")
        number = int(match[1])
        if number == 0 or (found and found[-1][0] == number):
            sys.exit(f"{file}: numbers start at 0001, and each is given once")
        with open(os.path.join(folder, file), "rb") as source:
            text = source.read().decode("utf-8")
        if "\0" in text:
            sys.exit(f"{file} holds a NUL byte")
        found.append((number, file[: -len(".sql")], text))
    return found


def c_string(text):
    """text as C string literals, one a line of SQL. Octal escapes end after three digits; no trigraph is left."""
    lines = []
    for line in text.splitlines(keepends=True):
        escaped = ""
        for byte in line.encode("utf-8"):
            char = chr(byte)
            if char == "\n":
                escaped += "\\n"
            elif char in '"\\':
                escaped += "\\" + char
            elif 32 <= byte < 127 and char != "?":
                escaped += char
            else:
                escaped += f"\\{byte:03o}"
        lines.append(f'\t\t"{escaped}"')
    return "\n".join(lines) if lines else '\t\t""'


def main():
    folder, output, depfile = sys.argv[1:]
    found = migrations(folder)
    with open(output, "w", encoding="ascii") as out:
        out.write('/* Made from the SQL files of migrations/ by migrations/embed.py. */\n#include "db/migrate.h"\n\n')
        out.write("const struct cp_migration cp_migrations[] = {\n")
        for number, name, text in found:
            out.write(f'\t{{{number}, "{name}",\n{c_string(text)}}},\n')
        out.write("\t{0}, /* the count below leaves it out: it keeps an empty table legal */\n};\n\n")
        out.write(f"const size_t cp_migrations_count = {len(found)};\n")
    with open(depfile, "w", encoding="utf-8") as out:
        paths = [folder] + [os.path.join(folder, name + ".sql") for _, name, _ in found]
        out.write(f"{output}: " + " ".join(path.replace(" ", "\\ ") for path in paths) + "\n")


main()
