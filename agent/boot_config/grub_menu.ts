/** GRUB's menu as grub-mkconfig writes it: its entries, and which of them it starts by itself. Pure. */
import { type Lookup, quoted, wordsOf } from "./grub_words.ts";

interface MenuItem {
  readonly title: string;
  readonly id: string | undefined;
  /** Of an entry. */
  readonly lines: readonly string[];
  /** Of a submenu. */
  readonly items: readonly MenuItem[] | undefined;
}

export interface GrubMenu {
  readonly items: readonly MenuItem[];
  /** As written: "0", "${saved_entry}", "1>2"; undefined if nothing says so. */
  readonly default: string | undefined;
  /** Values that the menu itself gives to variables, each different one once. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  /** It takes in the entries of the Boot Loader Specification. */
  readonly hasBls: boolean;
}

interface Open {
  readonly kind: "menuentry" | "submenu" | "function";
  readonly title: string;
  readonly id: string | undefined;
  readonly lines: string[];
  readonly items: MenuItem[];
}

const BLOCK = /^(menuentry|submenu|function)\s+(.*)\{$/;
const ASSIGNMENT = /^set\s+(\w+)=(.*)$/;
const asWritten: Lookup = (name) => `\${${name}}`;

export function parseGrubMenu(text: string): GrubMenu {
  const items: MenuItem[] = [], open: Open[] = [], values = new Map<string, Set<string>>();
  let chosen: string | undefined, hasBls = false;
  for (const line of text.split("\n").map((one) => one.trim())) {
    const [, kind, head = ""] = BLOCK.exec(line) ?? [];
    const inner = open.at(-1);
    if (kind === "menuentry" || kind === "submenu" || kind === "function") {
      open.push({ kind, ...headOf(head), lines: [], items: [] });
    } else if (line === "}" && inner) {
      open.pop();
      if (inner.kind === "function") continue;
      const { title, id, lines } = inner;
      const within = open.findLast((one) => one.kind === "submenu");
      (within?.items ?? items).push({
        title,
        id,
        lines,
        items: inner.kind === "submenu" ? inner.items : undefined,
      });
    } else if (inner?.kind === "menuentry") inner.lines.push(line);
    else {
      const [, name, value = ""] = ASSIGNMENT.exec(line) ?? [];
      const [plain = ""] = wordsOf(value, asWritten);
      if (name === "default" && !plain.includes("next_entry")) chosen = plain;
      else if (name !== undefined) values.set(name, (values.get(name) ?? new Set()).add(plain));
      if (/^blscfg\b/.test(line)) hasBls = true;
    }
  }
  return { items, default: chosen, values, hasBls };
}

function headOf(head: string): { title: string; id: string | undefined } {
  const words = wordsOf(head, asWritten);
  // ${menuentry_id_option} is "--id" where GRUB knows it
  const at = words.findIndex((word) => word === "--id" || word === "${menuentry_id_option}");
  return { title: words[0] ?? "", id: at < 0 ? undefined : words[at + 1] };
}

/** What a default means: numbers, ids or titles, with ">" between a submenu and its item. GRUB starts the first otherwise. */
export function chooseItem(items: readonly MenuItem[], wanted: string): MenuItem | undefined {
  const [head = "", ...rest] = wanted.split(">");
  const found = /^\d+$/.test(head)
    ? items[Number(head)]
    : items.find(({ id, title }) => id === head || title === head);
  const item = found ?? items[0];
  return item?.items ? chooseItem(item.items, found ? rest.join(">") : "0") : item;
}

export interface Started {
  /** As the entry names them. */
  readonly kernel: string;
  readonly initrds: readonly string[];
  readonly commandLine: string;
}

const LINUX = /^linux(?:efi|16)?\s/, INITRD = /^initrd(?:efi|16)?\s/;

/** Undefined if it starts no Linux, or different ones by a condition. `lookup` may throw. */
export function startedBy({ lines }: Pick<MenuItem, "lines">, lookup: Lookup): Started | undefined {
  const kernels = [...new Set(lines.filter((line) => LINUX.test(line)))];
  const initrds = [...new Set(lines.filter((line) => INITRD.test(line)))];
  const [line] = kernels;
  if (line === undefined || kernels.length > 1 || initrds.length > 1) return undefined;
  // names of devices are GRUB's own: what they mean shows in the file's path
  const device = (name: string) => name === "root" || name === "prefix" ? `\${${name}}` : lookup(name);
  const [, kernel, ...words] = wordsOf(line, device);
  if (kernel === undefined) return undefined;
  const [, ...files] = wordsOf(initrds[0] ?? "", device);
  return { kernel, initrds: files, commandLine: grubsCommandLine(kernel, words) };
}

/** GRUB puts the kernel's name first, without which dracut does not find its checksum in FIPS mode. */
export function grubsCommandLine(kernel: string, words: readonly string[]): string {
  const path = kernel.replace(/^(\([^)]*\)|\$\{\w+\})/, "");
  return [`BOOT_IMAGE=${path}`, ...words.map(quoted)].join(" ");
}
