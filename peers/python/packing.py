"""How a linear layer is spread over the slots of CKKS ciphertexts, and the search for the cheapest spread.

Slots come in blocks of one slot a record. A block holds one feature of every record; `copies` of a ciphertext's features
may stand one behind the other, so that fewer products are needed. The cloud multiplies each ciphertext by `shifts` plaintexts of
weights. In product t, block b works for row (b - t) mod group; rotating product t by t blocks brings all work for a row to
blocks that are equal to it mod group, and a sum over those by rotations brings it to the row's own block. All rotations
come after the rescaling, where they cost least. Rows that do not fit one group have groups, and response ciphertexts, of their own.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Packing:
    slots: int
    records: int
    rows: int
    features: int
    group: int
    copies: int
    held: int  # features in a ciphertext

    @property
    def shifts(self):
        return -(-self.group // self.copies)

    @property
    def groups(self):
        return -(-self.rows // self.group)

    @property
    def ciphertexts(self):
        return -(-self.features // self.held)

    def _starts(self, empty):
        """First blocks of the copies, each serving the rows that the one before leaves out."""
        start = empty + self.shifts - 1
        starts = [start]
        for copy in range(1, self.copies):
            wanted = (starts[0] + copy * self.shifts) % self.group
            start = starts[-1] + self.held
            starts.append(start + (wanted - start) % self.group)
        return starts

    def layout(self):
        """(first blocks of the copies, blocks to sum for each row), or None where the ciphertext has too few slots."""
        for empty in range(self.group + 1):
            starts = self._starts(empty)
            end = starts[-1] + self.held
            if end * self.records > self.slots:
                return None
            count = min(range(-(-end // self.group), -(-end // self.group) + 8), key=sum_cost)
            # Sums may read around the end of the ciphertext as long as only empty blocks are there.
            if count * self.group * self.records <= self.slots + empty * self.records:
                return starts, count
        return None

    def operations(self):
        """How often each unit operation happens, or None where the packing does not fit."""
        layout = self.layout()
        if layout is None:
            return None
        return {
            "encrypt": self.ciphertexts,
            "multiply": self.ciphertexts * self.shifts * self.groups,
            "rescale": self.shifts * self.groups,
            "rotate": self.groups * (self.shifts - 1 + sum_cost(layout[1])),
            "decrypt": self.groups,
        }

    def rotations(self):
        """The slots by which ciphertexts are rotated."""
        steps = {t * self.records for t in range(1, self.shifts)}
        fold(None, self.group * self.records, self.layout()[1], lambda x, y: None, lambda x, step: steps.add(step))
        return sorted(steps)

    def contents(self, records):
        """Slot values of each ciphertext for records of `features` values each."""
        starts, _ = self.layout()
        for first in range(0, self.features, self.held):
            values = [0.0] * self.slots
            for start in starts:
                for i in range(first, min(first + self.held, self.features)):
                    block = (start + i - first) * self.records
                    values[block:block + self.records] = [record[i] for record in records]
            yield values

    def weights(self, matrix):
        """Slot values of the weights: for each group, for each shift, for each ciphertext."""
        starts, _ = self.layout()
        for group in range(self.groups):
            rows = matrix[group * self.group:(group + 1) * self.group]
            # A row and a feature that meet in two copies count once.
            met = set()
            shifts = []
            for t in range(self.shifts):
                ciphertexts = []
                for first in range(0, self.features, self.held):
                    values = [0.0] * self.slots
                    for start in starts:
                        for i in range(first, min(first + self.held, self.features)):
                            block = start + i - first
                            row = (block - t) % self.group
                            if row < len(rows) and (row, i) not in met:
                                met.add((row, i))
                                values[block * self.records:(block + 1) * self.records] = [rows[row][i]] * self.records
                    ciphertexts.append(values)
                shifts.append(ciphertexts)
            assert len(met) == len(rows) * self.features
            yield shifts

    def answers(self, groups):
        """For each record its outputs, from the slots of one decrypted response a group."""
        outputs = [[] for _ in range(self.records)]
        for row in range(self.rows):
            group, row = divmod(row, self.group)
            for record in range(self.records):
                outputs[record].append(groups[group][row * self.records + record])
        return outputs


def sum_cost(count):
    """Rotations that `fold` takes."""
    return count.bit_length() + count.bit_count() - 2


def fold(x, step, count, add, rotate):
    """The sum of x rotated by 0, step, ..., (count - 1) step."""
    total, have = x, 1
    for bit in bin(count)[3:]:
        total, have = add(total, rotate(total, have * step)), 2 * have
        if bit == "1":
            total, have = add(x, rotate(total, step)), have + 1
    return total


def cheapest(slots, records, rows, features, costs):
    """The packing with the least predicted time, given what the unit operations cost."""
    def packings():
        for group in sorted({rows, -(-rows // 2), -(-rows // 3), 1}):
            for copies in range(1, min(slots // records // features, group) + 1):
                yield Packing(slots, records, rows, features, group, copies, features)
            for held in range(1, min(slots // records, features) + 1):
                yield Packing(slots, records, rows, features, group, 1, held)

    def time(packing):
        return sum(costs[name] * times for name, times in packing.operations().items())

    return min((packing for packing in packings() if packing.operations()), key=time)
