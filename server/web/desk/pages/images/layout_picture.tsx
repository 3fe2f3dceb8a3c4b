/** An image's disks as a picture, and its file systems as a table. */
import type { DiskLayout } from "#contract/format/layout.ts";
import { bytesText } from "../../messages/figures.ts";
import { t } from "./messages.ts";

type Volume = DiskLayout["fileSystems"][number]["volume"];

function onText(volume: Volume): string {
  switch (volume.kind) {
    case "partition":
      return t("onDiskPart", { disk: volume.disk, n: volume.number });
    case "disk":
      return t("wholeDisk", { disk: volume.disk });
    case "md":
      return `RAID ${volume.name}`;
    case "luks":
      return `LUKS ${volume.name}`;
    case "lv":
      return `LVM ${volume.group}/${volume.name}`;
  }
}

export function LayoutPicture({ layout }: { layout: DiskLayout }) {
  return (
    <>
      {layout.disks.map((disk, i) => <DiskPicture key={disk.name} disk={disk} number={i} layout={layout} />)}
      <FileSystems layout={layout} />
      {layout.obstacles && layout.obstacles.length > 0 && (
        <>
          <h3>{t("obstacles")}</h3>
          <ul class="problem">{layout.obstacles.map((text) => <li key={text}>{text}</li>)}</ul>
        </>
      )}
    </>
  );
}

/** What lies on a partition, in a word. */
function useOfPartition(layout: DiskLayout, { disk, number }: { disk: number; number: number }): string {
  const isIt = (volume: Volume) =>
    volume.kind === "partition" && volume.disk === disk && volume.number === number;
  const { fileSystems, swap, arrays = [], encrypted = [], groups = [] } = layout;
  return fileSystems.find(({ volume, more = [] }) => [volume, ...more].some(isIt))?.mountPoint ??
    (swap.some(({ volume }) => isIt(volume)) ? t("swap") : undefined) ??
    arrays.find(({ members }) => members.some(isIt))?.name ??
    encrypted.find(({ on }) => isIt(on))?.name ??
    groups.find(({ physical }) => physical.some(({ volume }) => isIt(volume)))?.name ?? "";
}

interface DiskProps {
  readonly disk: DiskLayout["disks"][number];
  readonly number: number;
  readonly layout: DiskLayout;
}

function DiskPicture({ disk, number, layout }: DiskProps) {
  const { name, sizeBytes, sectorBytes, table, partitions } = disk;
  // the square root keeps small partitions in sight
  const weights = partitions.map(({ sectors }) => Math.sqrt(sectors * sectorBytes));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let at = 0;
  const boxes = partitions.map((partition, i) => {
    const width = (weights[i] ?? 0) / total * 1000, x = at;
    at += width;
    return { ...partition, x, width };
  });
  const text = t("diskName", { n: String(number), name, size: bytesText(sizeBytes), table });
  return (
    <figure class="disk">
      <figcaption>{text}</figcaption>
      <svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
        {boxes.map(({ number, x, width }, i) => (
          <rect key={number} class={`part${i % 3}`} x={x} width={Math.max(1, width - 2)} height="16" />
        ))}
      </svg>
      <ol>
        {partitions.map((partition, i) => (
          <li key={partition.number}>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect class={`part${i % 3}`} width="10" height="10" />
            </svg>{" "}
            {t("partition", { n: partition.number })}{" "}
            <strong>{useOfPartition(layout, { disk: number, number: partition.number })}</strong>{" "}
            <span class="dim">{bytesText(partition.sectors * sectorBytes)}</span>
          </li>
        ))}
      </ol>
    </figure>
  );
}

function FileSystems({ layout: { fileSystems, swap, arrays = [], encrypted = [], groups = [] } }: {
  layout: DiskLayout;
}) {
  const rows = [
    ...fileSystems.map(({ mountPoint, type, sizeBytes, usedBytes, volume, more = [] }) => ({
      name: mountPoint,
      kind: type,
      size: bytesText(sizeBytes),
      used: bytesText(usedBytes),
      on: [volume, ...more].map(onText).join(", "),
    })),
    ...swap.map(({ volume }) => ({ name: "", kind: t("swap"), size: "", used: "", on: onText(volume) })),
    ...groups.map(({ name, physical, logical }) => ({
      name,
      kind: "LVM",
      size: bytesText(logical.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      used: "",
      on: physical.map(({ volume }) => onText(volume)).join(", "),
    })),
    ...encrypted.map(({ name, version, sizeBytes, on }) => ({
      name,
      kind: `LUKS${version}`,
      size: bytesText(sizeBytes),
      used: "",
      on: onText(on),
    })),
    ...arrays.map(({ name, level, sizeBytes, members }) => ({
      name,
      kind: level.toUpperCase(),
      size: bytesText(sizeBytes),
      used: "",
      on: members.map(onText).join(", "),
    })),
  ];
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {(["mount", "kind", "size", "used", "onWhat"] as const).map((key) => (
              <th scope="col" key={key}>{t(key)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, kind, size, used, on }) => (
            <tr key={`${name} ${on}`}>
              <th scope="row">{name || "–"}</th>
              <td>{kind}</td>
              <td>{size}</td>
              <td>{used}</td>
              <td>{on}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
