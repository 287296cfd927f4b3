"""python-paillier at the other end of a pipe: one JSON object a line in, one out. `cargo test --test python` drives it.

{"run": [argument, ...], "files": {name: text, ...}}   pheutil with these arguments in a folder with these files
{"encrypt": [number, ...], "key": public key file}     numbers modulo n, in hexadecimal like all here
{"decrypt": [number, ...], "key": secret key file}
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import phe
import phe.command_line
import phe.util


def run(arguments, files):
    """The files that are there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        pheutil = [sys.executable, "-c", "import phe.command_line as pheutil; pheutil.cli()", *arguments]
        result = subprocess.run(pheutil, cwd=folder, capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        return {path.name: path.read_text() for path in Path(folder).iterdir()}


def encrypt(numbers, key):
    public = phe.command_line.load_public_key(json.loads(key))
    return [f"{public.raw_encrypt(int(number, 16)):x}" for number in numbers]


def decrypt(numbers, key):
    # As pheutil reads it.
    key = json.loads(key)
    public = phe.command_line.load_public_key(key["pub"])
    secret = phe.PaillierPrivateKey(public, *(phe.util.base64_to_int(key[name]) for name in "pq"))
    return [f"{secret.raw_decrypt(int(number, 16)):x}" for number in numbers]


for line in sys.stdin:
    order = json.loads(line)
    if "run" in order:
        answer = run(order["run"], order["files"])
    elif "encrypt" in order:
        answer = encrypt(order["encrypt"], order["key"])
    else:
        answer = decrypt(order["decrypt"], order["key"])
    print(json.dumps(answer), flush=True)
