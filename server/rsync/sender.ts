/**
 * The session after the handshake: filter rules, the file list, and the files that the client's generator requests, in
 * three phases (two before protocol 29): first try, second try, delayed updates. A phase ends with "done" from both
 * sides (rsync's sender.c: send_files; main.c: read_final_goodbye).
 */
import { encodeFileEntry, encodeListEnd, type FileEntry } from "#rsync/file_list.ts";
import { FileIndexes, INDEX } from "#rsync/file_indexes.ts";
import { int32, long, readByte, readInt32, readShortint, readVarint } from "#rsync/integers.ts";
import { shortint, varint, WireError } from "#rsync/integers.ts";
import { MESSAGE, type RsyncStream } from "#rsync/stream.ts";
import { ITEM, NO_SUMS, readSumHead } from "#rsync/transfer.ts";
import { deflated, listChecksum, literals, transferChecksum } from "./content.ts";
import { type FilterRule, parseFilterRule, passes } from "./filter_rules.ts";
import type { SenderRequest } from "./options.ts";
import { EXIT, quoted, Refusal } from "./refusal.ts";
import { MODULE, select } from "./selection.ts";
import type { TorrentFile } from "./torrent_file.ts";

const MAX_RULES = 64;
const MAX_RULE_BYTES = 255;
const MAX_NAME_BYTES = 4096;
/** Requests per file, and how many of them may be for its bytes: a first and a second try. */
const MAX_REQUESTS = 8;
const MAX_TRANSFERS = 2;
/** A client counts its deletions by type: files, folders, links, devices and special files. */
const DELETION_TYPES = 5;

interface SenderOptions {
  readonly protocol: number;
  readonly request: SenderRequest;
  readonly seed: number;
  readonly files: readonly TorrentFile[];
}

interface Listed extends FileEntry {
  readonly file?: TorrentFile;
}

/** One request of the client's generator. */
interface FileRequest {
  readonly index: number;
  readonly flags: number;
  /** The bytes after the flags, which are sent back. */
  readonly extra: Uint8Array;
}

export class Sender {
  readonly #stream: RsyncStream;
  readonly #options: SenderOptions;
  readonly #theirs: FileIndexes;
  readonly #ours: FileIndexes;
  #list: readonly Listed[] = [];
  /** By file number. */
  readonly #transfers = new Map<number, number>();

  constructor(stream: RsyncStream, options: SenderOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#theirs = new FileIndexes(options.protocol);
    this.#ours = new FileIndexes(options.protocol);
  }

  /** Reads the client's filter rules and sends the file list. Throws WireError, Refusal. */
  async sendList(): Promise<void> {
    this.#list = this.#listOf(await this.#readRules());
    const { protocol, request } = this.#options;
    for (const { file, ...entry } of this.#list) {
      // a file that has vanished gets a checksum of zeros, and an error when it is requested
      const bytes = request.sums ? await file?.read().catch(() => undefined) : undefined;
      const sum = bytes && listChecksum(bytes, { protocol });
      this.#stream.write(encodeFileEntry(entry, { protocol, ...request, ...(sum && { sum }) }));
    }
    this.#stream.write(encodeListEnd({ protocol, ...request }));
    await this.#stream.flush();
  }

  /** Answers the generator's requests until it is done. Throws WireError. */
  async serve(): Promise<void> {
    // after an empty list, a client requests nothing
    if (this.#list.length === 0) return;
    const { protocol } = this.#options;
    let requestsLeft = MAX_REQUESTS * this.#list.length;
    for (let phasesLeft = protocol >= 29 ? 2 : 1;;) {
      const request = await this.#nextRequest();
      if (request === "done" && phasesLeft-- === 0) break;
      if (request === "done") this.#stream.write(this.#ours.encode(INDEX.done));
      else if (requestsLeft-- === 0) throw new WireError("it sends too many requests");
      else await this.#answer(request);
      await this.#stream.flush();
    }
    this.#stream.write(this.#ours.encode(INDEX.done), this.#statistics());
    await this.#stream.flush();
    await this.#goodbye();
  }

  #listOf(rules: readonly FilterRule[]): Listed[] {
    const { files, request } = this.#options;
    const { folder, names, missing } = select(request.paths, files.map(({ name }) => name));
    for (const path of missing) {
      this.#log(MESSAGE.transferError, `link_stat ${quoted(path)} failed: No such file or directory (2)`);
    }
    const wanted = new Set(names);
    const list: Listed[] = [];
    if (folder && !request.recurse && !request.directories) this.#log(MESSAGE.info, "skipping directory .");
    else if (folder) {
      const modifiedSeconds = Math.max(0, ...files.map((file) => file.modifiedSeconds));
      list.push({ name: ".", type: "directory", sizeBytes: 0, modifiedSeconds });
      for (const { name } of files) wanted.add(name);
    }
    const byName = new Map(files.map((file) => [file.name, file]));
    for (const name of [...wanted].sort()) {
      const file = byName.get(name);
      if (file && passes(name, rules)) list.push({ ...file, name, type: "file", file });
    }
    return list;
  }

  async #readRules(): Promise<FilterRule[]> {
    const rules: FilterRule[] = [];
    for (;;) {
      const length = await readInt32(this.#stream);
      if (length === 0) return rules;
      if (length < 0 || length > MAX_RULE_BYTES || rules.length === MAX_RULES) {
        throw new Refusal("ERROR: too many filter rules, or too long ones", EXIT.unsupported);
      }
      const text = Buffer.from(await this.#stream.take(length)).toString("latin1");
      rules.push(parseFilterRule(text, this.#options));
    }
  }

  async #nextRequest(): Promise<FileRequest | "done"> {
    for (;;) {
      const index = await this.#theirs.read(this.#stream);
      if (index === INDEX.done) return "done";
      if (index === INDEX.deletions && this.#options.protocol >= 31) {
        await this.#returnDeletions();
        continue;
      }
      const flags = this.#options.protocol >= 29 ? await readShortint(this.#stream) : ITEM.transfer;
      // before protocol 30, a keep-alive has the number after the last file's
      if (this.#options.protocol < 30 && index === this.#list.length && flags === ITEM.isNew) continue;
      if (index < 0 || index >= this.#list.length) {
        throw new WireError("it requests a file that is not in the list");
      }
      return { index, flags, extra: await this.#readExtra(flags) };
    }
  }

  /** The type of the basis file (a byte), and its name (after one or two bytes of length). */
  async #readExtra(flags: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    if (flags & ITEM.basisFollows) parts.push(await this.#stream.take(1));
    if (flags & ITEM.nameFollows) {
      const first = await readByte(this.#stream);
      const second = first & 0x80 ? [await readByte(this.#stream)] : [];
      const length = second.length > 0 ? (first & 0x7f) << 8 | (second[0] as number) : first;
      if (length > MAX_NAME_BYTES) throw new WireError("a name is too long");
      parts.push(Uint8Array.of(first, ...second), await this.#stream.take(length));
    }
    return Buffer.concat(parts);
  }

  async #answer(item: FileRequest): Promise<void> {
    const { protocol, request, seed } = this.#options;
    if (!(item.flags & ITEM.transfer) || request.dryRun) return this.#writeItem(item);
    const { file } = this.#list[item.index] as Listed;
    if (!file) throw new WireError("it requests the bytes of a folder");
    const transfers = (this.#transfers.get(item.index) ?? 0) + 1;
    if (transfers > MAX_TRANSFERS) throw new WireError("it requests a file too often");
    this.#transfers.set(item.index, transfers);
    const { count, sumBytes } = await readSumHead(this.#stream);
    // torrents are small: send them whole, whatever older version the client has
    await this.#stream.skip(count * (4 + sumBytes));
    let bytes: Uint8Array;
    try {
      bytes = await file.read();
    } catch {
      this.#log(MESSAGE.transferError, `file has vanished: ${quoted(`${MODULE}/${file.name}`)}`);
      if (protocol >= 30) this.#stream.message(MESSAGE.noSend, int32(item.index));
      return;
    }
    this.#writeItem(item);
    this.#stream.write(NO_SUMS);
    for (const part of request.compress ? deflated(bytes) : literals(bytes)) {
      this.#stream.write(part);
      if (this.#stream.isFull) await this.#stream.flush();
    }
    this.#stream.write(transferChecksum(bytes, { protocol, seed }));
  }

  #writeItem({ index, flags, extra }: FileRequest): void {
    this.#stream.write(this.#ours.encode(index));
    if (this.#options.protocol >= 29) this.#stream.write(shortint(flags), extra);
  }

  /** A client that deletes files missing from the list sends how many, and expects the numbers back. */
  async #returnDeletions(): Promise<void> {
    this.#stream.write(this.#ours.encode(INDEX.deletions));
    for (let i = 0; i < DELETION_TYPES; i++) this.#stream.write(varint(await readVarint(this.#stream)));
  }

  /** Bytes in, bytes out, total file size; since protocol 29 also the ms that building and sending the list took. */
  #statistics(): Uint8Array {
    const { protocol } = this.#options;
    const total = this.#list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const figures = [this.#stream.bytesRead, this.#stream.bytesWritten, total];
    if (protocol >= 29) figures.push(1, 1);
    return Buffer.concat(figures.map((figure) => long(figure, { protocol })));
  }

  async #goodbye(): Promise<void> {
    const rounds = this.#options.protocol >= 31 ? 2 : 1;
    for (let round = 1; round <= rounds; round++) {
      if (await this.#nextRequest() !== "done") throw new WireError("it sends a request after the end");
      if (round < rounds) this.#stream.write(this.#ours.encode(INDEX.done));
      await this.#stream.flush();
    }
  }

  /** Sends a line for the client to print. */
  #log(kind: number, text: string): void {
    this.#stream.message(kind, new TextEncoder().encode(`rsync: ${text}\n`));
  }
}
