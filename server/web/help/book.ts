/** The book that the server shows under Help: the pages of server/docs/ in reading order, and their pictures. */
import formatText from "#contract/format/FORMAT.md" with { type: "text" };
import ownFilesText from "#contract/own_files/OWN_FILES.md" with { type: "text" };
import airGapped from "../../docs/air-gapped.md" with { type: "text" };
import ansible from "../../docs/ansible.md" with { type: "text" };
import api from "../../docs/api.md" with { type: "text" };
import architecture from "../../docs/architecture.md" with { type: "text" };
import backups from "../../docs/backups.md" with { type: "text" };
import benchmarks from "../../docs/benchmarks.md" with { type: "text" };
import capture from "../../docs/capture.md" with { type: "text" };
import concepts from "../../docs/concepts.md" with { type: "text" };
import contributing from "../../docs/contributing.md" with { type: "text" };
import decisions from "../../docs/decisions.md" with { type: "text" };
import deploy from "../../docs/deploy.md" with { type: "text" };
import desk from "../../docs/desk.md" with { type: "text" };
import disks from "../../docs/disks.md" with { type: "text" };
import drift from "../../docs/drift.md" with { type: "text" };
import encryption from "../../docs/encryption.md" with { type: "text" };
import fieldTables from "../../docs/field-tables.md" with { type: "text" };
import formats from "../../docs/formats.md" with { type: "text" };
import gettingStarted from "../../docs/getting-started.md" with { type: "text" };
import hooks from "../../docs/hooks.md" with { type: "text" };
import identity from "../../docs/identity.md" with { type: "text" };
import media from "../../docs/media.md" with { type: "text" };
import helpPicture from "../../docs/images/help.png" with { type: "bytes" };
import fieldChurnPicture from "../../docs/images/field-churn.svg" with { type: "text" };
import fieldKascadePicture from "../../docs/images/field-kascade.svg" with { type: "text" };
import fieldDragonflyPicture from "../../docs/images/field-dragonfly.svg" with { type: "text" };
import fieldKrakenPicture from "../../docs/images/field-kraken.svg" with { type: "text" };
import nodePicture from "../../docs/images/node.png" with { type: "bytes" };
import overviewPicture from "../../docs/images/overview.png" with { type: "bytes" };
import schedulesPicture from "../../docs/images/schedules.png" with { type: "bytes" };
import rackseedPicture from "../../docs/images/rackseed.svg" with { type: "text" };
import roomsPicture from "../../docs/images/rooms.svg" with { type: "text" };
import swarmPicture from "../../docs/images/swarm.svg" with { type: "text" };
import monitoring from "../../docs/monitoring.md" with { type: "text" };
import network from "../../docs/network-and-firmware.md" with { type: "text" };
import sites from "../../docs/sites.md" with { type: "text" };
import objectStorage from "../../docs/object-storage.md" with { type: "text" };
import operations from "../../docs/operations.md" with { type: "text" };
import power from "../../docs/power.md" with { type: "text" };
import rehearsals from "../../docs/rehearsals.md" with { type: "text" };
import releaseNotes from "../../docs/release-notes.md" with { type: "text" };
import restore from "../../docs/restore.md" with { type: "text" };
import schedules from "../../docs/schedules.md" with { type: "text" };
import security from "../../docs/security.md" with { type: "text" };
import service from "../../docs/service.md" with { type: "text" };
import standby from "../../docs/standby.md" with { type: "text" };
import troubleshooting from "../../docs/troubleshooting.md" with { type: "text" };

export interface BookPage {
  /** Its address below /help/. */
  readonly slug: string;
  /** The file in the repository, from which its relative links are resolved. */
  readonly path: string;
  /** Its first heading. */
  readonly title: string;
  readonly markdown: string;
}

interface Chapter {
  readonly title: string;
  readonly pages: readonly BookPage[];
}

const DOCS = "server/docs";

export const CHAPTERS: readonly Chapter[] = [
  {
    title: "Start",
    pages: [page("getting-started", gettingStarted), page("concepts", concepts)],
  },
  {
    title: "Use",
    pages: [
      page("desk", desk),
      page("capture", capture),
      page("rehearsals", rehearsals),
      page("deploy", deploy),
      page("media", media),
      page("power", power),
      page("disks", disks),
      page("encryption", encryption),
      page("restore", restore),
      page("backups", backups),
      page("schedules", schedules),
      page("drift", drift),
      page("identity", identity),
      page("hooks", hooks),
    ],
  },
  {
    title: "Run",
    pages: [
      page("service", service),
      page("network-and-firmware", network),
      page("security", security),
      page("air-gapped", airGapped),
      page("object-storage", objectStorage),
      page("sites", sites),
      page("operations", operations),
      page("standby", standby),
      page("monitoring", monitoring),
      page("api", api),
      page("ansible", ansible),
      page("troubleshooting", troubleshooting),
    ],
  },
  {
    title: "Understand",
    pages: [
      page("formats", formats),
      page("image-format", formatText, "server/contract/format/FORMAT.md"),
      page("own-files", ownFilesText, "server/contract/own_files/OWN_FILES.md"),
      page("benchmarks", benchmarks),
      page("field-tables", fieldTables),
      page("decisions", decisions),
      page("architecture", architecture),
      page("contributing", contributing),
      page("release-notes", releaseNotes),
    ],
  },
];

export const PAGES: readonly BookPage[] = CHAPTERS.flatMap(({ pages }) => pages);

interface Picture {
  readonly type: "image/svg+xml" | "image/png";
  readonly content: string | Uint8Array<ArrayBuffer>;
}

/** By name in server/docs/images/. */
export const PICTURES: ReadonlyMap<string, Picture> = new Map<string, Picture>([
  ["help.png", { type: "image/png", content: helpPicture }],
  ["node.png", { type: "image/png", content: nodePicture }],
  ["overview.png", { type: "image/png", content: overviewPicture }],
  ["schedules.png", { type: "image/png", content: schedulesPicture }],
  ["field-churn.svg", { type: "image/svg+xml", content: fieldChurnPicture }],
  ["field-dragonfly.svg", { type: "image/svg+xml", content: fieldDragonflyPicture }],
  ["field-kascade.svg", { type: "image/svg+xml", content: fieldKascadePicture }],
  ["field-kraken.svg", { type: "image/svg+xml", content: fieldKrakenPicture }],
  ["rackseed.svg", { type: "image/svg+xml", content: rackseedPicture }],
  ["rooms.svg", { type: "image/svg+xml", content: roomsPicture }],
  ["swarm.svg", { type: "image/svg+xml", content: swarmPicture }],
]);
export const PICTURES_PATH = `${DOCS}/images/`;

function page(slug: string, markdown: string, path = `${DOCS}/${slug}.md`): BookPage {
  return { slug, path, title: /^# (.+)$/m.exec(markdown)?.[1] ?? slug, markdown };
}
