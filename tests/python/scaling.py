"""How time and memory of the commands grow: with the records, with the features, with the rows of a model.

    scaling.py TACITA [--quick] [--bits 2048] [--json]

Every command is a process of its own; its peak memory is what the system counted for it (ru_maxrss), at least the 20 MB
that this program has itself. Of each command there are the seconds of the whole process, the reading of keys and models
included, and `ms`, the time that it tells of its work alone, with the tables that are made meanwhile. `us each` is the latter
by the records, features or rows.

Memory must stay bounded, and a record more must take no longer among the most than among ten times fewer, but for a tenth;
otherwise it fails. The same of features and rows is only told. Of records and features the differences are compared, so
that what is done once, like making tables, does not count, of rows the time of each; that work gets cheaper where there is
more of it is no fault. All times are means, and all sizes are measured in turns, few records more often than many: what
else the machine does for a while then falls on all. --quick is small, and judges no times.
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
from array import array
from statistics import fmean

parser = argparse.ArgumentParser(description="How time and memory of the commands grow.")
parser.add_argument("tacita", help="the command to measure")
parser.add_argument("--quick", action="store_true", help="a short round, which judges memory alone")
parser.add_argument("--bits", type=int, default=2048, help="of the key: 3072, say; 2048 if left out")
parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
arguments = parser.parse_args()

tacita = os.path.abspath(arguments.tacita)
random.seed(784)


def run(line):
    """Runs a command: its facts, its seconds, its peak memory in MB."""
    words = [tacita, "--json"] + line.split()
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
    # Not lists: the system counts the peak of this process, which starts them, into that of the commands.
    weights, biases = array("f", (random.gauss(0, 1) for _ in range(rows * columns))), array("f", bytes(4 * rows))
    header, end = {}, 0
    for tensor, shape, numbers in [("weight", [rows, columns], weights), ("bias", [rows], biases)]:
        start, end = end, end + 4 * len(numbers)
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with open(name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        weights.tofile(file)
        biases.tofile(file)


def records(name, count, columns):
    lines = [",".join(str(random.randrange(256)) for _ in range(columns)) for _ in range(min(count, 500))]
    with open(name, "w") as file:
        for index in range(count):
            file.write(lines[index % len(lines)] + "\n")


def compile_model(rows, columns):
    network("network", rows, columns)
    outputs = f"--model model-{rows}x{columns} --spec spec-{rows}x{columns}"
    _, seconds, peak = run(f"compile network --pixels --activation identity {outputs}")
    return {"compile": {"seconds": seconds, "peak_mb": peak}}


def through(count, rows, columns, more=""):
    """From CSV to predictions: for each command its own time in ms, its seconds as a process, its peak memory in MB."""
    records("csv", count, columns)
    model, spec = f"--model model-{rows}x{columns}", f"--spec spec-{rows}x{columns} --key secret"
    lines = {
        "encrypt": f"encrypt {spec} --in csv --out requests {more}",
        "evaluate": f"evaluate {model} --in requests --out responses --verified-keys keys --max-records {count}",
        "decrypt": f"decrypt {spec} --request requests --in responses --out predictions",
    }
    done = {}
    for command, line in lines.items():
        facts, seconds, peak = run(line)
        assert facts["records"] == count
        done[command] = {"seconds": seconds, "ms": facts["ms"], "peak_mb": peak}
    with open("predictions") as file:
        assert file.read(11) == '{"records":'
    return done


def averages(what, order, measure):
    """Measures the sizes in this order, some more than once: for each, in every command the mean times and the highest peak."""
    runs = {}
    for turn, size in enumerate(order, 1):
        print(f"{what}, {turn} of {len(order)}: {size} ...", file=sys.stderr, flush=True)
        runs.setdefault(size, []).append(measure(size))
    return {size: average(runs[size]) for size in sorted(runs)}


def average(runs):
    done = {}
    for command in runs[0]:
        times = {time: fmean(run[command][time] for run in runs) for time in ["seconds", "ms"]}
        done[command] = {**times, "peak_mb": max(run[command]["peak_mb"] for run in runs)}
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
    through(1, 10, columns)
    order = counts if arguments.quick else (counts[:-1] * 4 + counts) * 3
    by_records = averages("records", order, lambda count: through(count, 10, columns, more))
    results["records"] = by_records
    show(f"Records of {columns} features, 10 rows", "records", by_records, commands)

    turns = 1 if arguments.quick else 10
    features = [784, 3_136] if arguments.quick else [784, 7_840, 50_000]
    compiled = {columns: compile_model(10, columns) for columns in features}
    by_features = averages("features", features * turns, lambda columns: through(1, 10, columns))
    by_features = {columns: {**compiled[columns], **done} for columns, done in by_features.items()}
    results["features"] = by_features
    show("Features, one record, 10 rows", "features", by_features, ["compile"] + commands)

    rows = [1, 20] if arguments.quick else [1, 10, 100, 1_000]
    compiled = {count: compile_model(count, 784) for count in rows}
    by_rows = averages("rows", rows * turns, lambda count: through(1, count, 784))
    by_rows = {count: {**compiled[count], **done} for count, done in by_rows.items()}
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
