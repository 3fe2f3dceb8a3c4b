import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiskTable, Partition } from "#contract/format/layout.ts";
import { planTable, sfdiskScript, usableEnd } from "./plan_table.ts";

const MIB = 1 << 20;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

Deno.test("sfdisk's input quotes whatever could end a name or begin a line", () => {
  const script = sfdiskScript({
    table: "gpt",
    id: "AB",
    gpt: { entries: 128, firstUsableSector: 34, protectiveBoot: false },
    partitions: [{ number: 2, startSector: 34, sectors: 8, type: LINUX, name: 'a"\n1 : $x`', uuid: "U" }],
  });
  assert.equal(
    script,
    "label: gpt\nunit: sectors\nlabel-id: AB\nfirst-lba: 34\n\n" +
      `2 : start=34, size=8, type=${LINUX}, uuid=U, name="a\\x22\\x0a1 : \\x24x\\x60"\n`,
  );
});

const tables = fc.record({
  table: fc.constantFrom("gpt" as const, "dos" as const),
  sizes: fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 4 }),
  gaps: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 4, maxLength: 4 }),
  tail: fc.integer({ min: 1, max: 2000 }),
  growable: fc.integer({ min: 0, max: 3 }),
  minimum: fc.integer({ min: 1, max: 4000 }),
  targetMib: fc.integer({ min: 10, max: 40_000 }),
  oddBytes: fc.integer({ min: 0, max: 2047 }),
  sectorBytes: fc.constantFrom(512, 4096),
});

Deno.test("whatever the sizes: inside the disk, aligned, never overlapping, and only one partition changes", () => {
  fc.assert(
    fc.property(tables, (t) => {
      const partitions: Partition[] = [];
      let at = 1;
      t.sizes.forEach((size, i) => {
        at += t.gaps[i] ?? 0;
        partitions.push({ number: i + 1, startSector: at * 2048, sectors: size * 2048, type: LINUX });
        at += size;
      });
      const sized = { sizeBytes: (at + t.tail) * MIB, sectorBytes: 512 } as const;
      const source: DiskTable = { name: "vda", table: t.table, ...sized, partitions };
      const sizeBytes = t.targetMib * MIB + t.oddBytes * t.sectorBytes;
      const { sectorBytes } = t;
      const number = t.growable + 1;
      const result = planTable(source, {
        sizeBytes,
        sectorBytes,
        growable: [{ number, minimumBytes: t.minimum * MIB }],
      });
      if (!result.fits) {
        assert(result.neededBytes !== undefined && result.neededBytes > sizeBytes - 2 * MIB);
        const again = planTable(source, {
          sizeBytes: result.neededBytes,
          sectorBytes,
          growable: [{ number, minimumBytes: t.minimum * MIB }],
        });
        assert(again.fits, "a disk of the size that was asked for fits");
        return;
      }
      const end = usableEnd(t.table, { sizeBytes, sectorBytes });
      let last = 0;
      for (const p of result.partitions) {
        const start = p.startSector * sectorBytes, size = p.sectors * sectorBytes;
        assert(start >= last && start % MIB === 0 && size > 0);
        last = start + size;
        assert(last <= end);
        const before = (partitions.find((q) => q.number === p.number)?.sectors ?? 0) * 512;
        if (p.number !== result.grown) assert.equal(size, before);
        else if (size < before) assert(size >= Math.min(before, t.minimum * MIB));
      }
    }),
    { numRuns: 500 },
  );
});
