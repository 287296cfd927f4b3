"""How time and memory of the commands grow: with the records, with the features, with the rows of a model.

    scaling.py TACITA [--quick] [--bits 2048] [--json]

Every command is a process of its own; its peak memory is what the system counted for it (ru_maxrss). Of each command
there are the seconds of the whole process, the reading of keys and models included, and `ms`, the time that it tells of
its work alone, with the tables that are made meanwhile. `us each` is the latter by the records, features or
rows.

Memory must stay bounded, and a record more must take no longer among the most than among ten times fewer, but for a tenth;
otherwise it fails. The same of features and rows is only told. Of records and features the differences are compared, so
that what is done once, like making tables, does not count, of rows the time of each; that work gets cheaper where there is
more of it is no fault. --quick is small, and judges no times.
"""

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from statistics import median

parser = argparse.ArgumentParser(description="How time and memory of the commands grow.")
parser.add_argument("tacita", help="the command to measure")
parser.add_argument("--quick", action="store_true", help="a short round, which judges memory alone")
parser.add_argument("--bits", type=int, default=2048, help="of the key: 3072, say; 2048 if left out")
parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
arguments = parser.parse_args()

tacita = os.path.abspath(arguments.tacita)
random.seed(784)


def run(line, **places):
    """Runs a command: its facts, its seconds, its peak memory in MB."""
    words = [tacita, "--json"] + [word.format(**places) for word in line.split()]
    start = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    # So that Popen does not wait for it again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(words)}: {output.decode()}")
    # In kilobytes, but on macOS in bytes.
    return json.loads(output), seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def network(name, rows, columns):
    """A network of one layer with normally distributed weights, as safetensors."""
    weights = [random.gauss(0, 1) for _ in range(min(rows * columns, 1_000_003))]
    while len(weights) < rows * columns:
        weights += weights[: rows * columns - len(weights)]
    tensors = {"weight": ([rows, columns], weights), "bias": ([rows], [0.0] * rows)}
    header, data = {}, b""
    for tensor, (shape, numbers) in tensors.items():
        start = len(data)
        data += struct.pack(f"<{len(numbers)}f", *numbers)
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    with open(name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def records(name, count, columns):
    lines = [",".join(str(random.randrange(256)) for _ in range(columns)) for _ in range(min(count, 500))]
    with open(name, "w") as file:
        for index in range(count):
            file.write(lines[index % len(lines)] + "\n")


def compile_model(rows, columns):
    network("network", rows, columns)
    line = "compile network --pixels --activation identity --model model --spec spec"
    return run(line)


def through(count, columns, more=""):
    """From CSV to predictions: for each command its own time in ms, its seconds as a process, its peak memory in MB. For one
    record, which takes milliseconds, these are the medians of five runs."""
    records("csv", count, columns)
    spec = "--spec spec --key secret"
    lines = {
        "encrypt": f"encrypt {spec} --in csv --out requests {more}",
        "evaluate": f"evaluate --model model --in requests --out responses --verified-keys keys --max-records {count}",
        "decrypt": f"decrypt {spec} --request requests --in responses --out predictions",
    }
    done = {}
    for command, line in lines.items():
        runs = [run(line) for _ in range(5 if count == 1 and not arguments.quick else 1)]
        assert all(facts["records"] == count for facts, _, _ in runs)
        facts, seconds, peaks = zip(*runs)
        done[command] = {"seconds": median(seconds), "ms": median(one["ms"] for one in facts), "peak_mb": max(peaks)}
    with open("predictions") as file:
        assert file.read(11) == '{"records":'
    return done


def show(title, unit, rows, names):
    if arguments.json:
        return
    print(f"\n{title}\n{unit:>9} " + " ".join(f"{name:>39}" for name in names))
    print(" " * 10 + " ".join(f"{'s':>8}{'ms':>11}{'us each':>12}{'MB':>8}" for _ in names))
    for count, done in rows.items():
        cells = [cell(done[name], count) for name in names]
        print(f"{count:9} " + " ".join(cells), flush=True)


def cell(took, count):
    # `compile` does not time itself.
    ms = took.get("ms", took["seconds"] * 1e3)
    return f"{took['seconds']:8.2f}{ms:11.1f}{ms / count * 1e3:12.1f}{took['peak_mb']:8.1f}"


def even(what, rows, names):
    """Says whether each takes no longer among the most than among fewer, but for a tenth. What one more takes is no measure of
    rows: among a hundred of them a plan of multiplications shares more than among ten, and among a thousand as much."""
    (few, second), (many, third) = list(rows.items())[-2:]
    for name in names:
        ratio = third[name]["ms"] / many / (second[name]["ms"] / few)
        verdict = "holds" if ratio <= 1.1 else "FAILS"
        line = f"{name}: each of {many} {what} takes {ratio:.3f} times what each of {few} takes (1.1 at most is asked: {verdict})"
        print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def flat(what, rows, names):
    """Whether one more takes no longer among the most than among fewer, but for a tenth, in each command; says so."""
    (least, first), (few, second), (many, third) = list(rows.items())[-3:]
    holds = True
    for name in names:
        early = (second[name]["ms"] - first[name]["ms"]) / (few - least)
        late = (third[name]["ms"] - second[name]["ms"]) / (many - few)
        if early <= 0:
            line = f"{name}: {few} {what} take no longer than {least}: not judged"
        else:
            agrees = late <= 1.1 * early
            holds &= agrees
            verdict = "holds" if agrees else "FAILS"
            line = (
                f"{name}: from {few} to {many} {what} one more takes {late / early:.3f} times what it takes from {least} to "
                f"{few} (1.1 at most is asked: {verdict})"
            )
        print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    return holds


commands = ["encrypt", "evaluate", "decrypt"]
results = {"bits": arguments.bits}
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    run(f"keygen --bits {arguments.bits} --secret secret --public public")

    columns, more = (196, "--per-request 500") if arguments.quick else (784, "")
    counts = [1_000, 20_000] if arguments.quick else [1_000, 10_000, 100_000]
    compile_model(10, columns)
    # Not counted: the key's proof is checked in the first evaluation.
    through(1, columns)
    by_records = {count: through(count, columns, more) for count in counts}
    results["records"] = by_records
    show(f"Records of {columns} features, 10 rows", "records", by_records, commands)

    by_features = {}
    for columns in [784, 3_136] if arguments.quick else [784, 7_840, 50_000]:
        _, seconds, peak = compile_model(10, columns)
        by_features[columns] = {"compile": {"seconds": seconds, "peak_mb": peak}, **through(1, columns)}
    results["features"] = by_features
    show("Features, one record, 10 rows", "features", by_features, ["compile"] + commands)

    by_rows = {}
    for rows in [1, 20] if arguments.quick else [1, 10, 100, 1_000]:
        _, seconds, peak = compile_model(rows, 784)
        by_rows[rows] = {"compile": {"seconds": seconds, "peak_mb": peak}, **through(1, 784)}
    results["rows"] = by_rows
    show("Rows, one record of 784 features", "rows", by_rows, ["compile"] + commands)

if arguments.json:
    print(json.dumps(results))

is_flat = True
if not arguments.quick:
    print(file=sys.stderr if arguments.json else sys.stdout)
    is_flat = flat("records", by_records, commands)
    # One record's response does not grow with the features, nor what is encrypted with the rows.
    flat("features", by_features, ["encrypt", "evaluate"])
    even("rows", by_rows, ["evaluate"])

few, many = by_records[counts[0]], by_records[counts[-1]]
for command in commands:
    more = many[command]["peak_mb"] - few[command]["peak_mb"]
    # In memory at once, the records alone would take eight bytes a value.
    limit = 12 if arguments.quick else 120
    assert more < limit, f"{command}: {more:.1f} MB more for {counts[-1]} records than for {counts[0]}"
if not is_flat:
    sys.exit("the time of a record depends on how many there are")
