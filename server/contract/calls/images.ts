/** Calls about images and their versions. A reference is NAME, for its newest version, NAME@VERSION or NAME@TAG. */
import { z } from "zod";
import {
  ImageChange,
  ImageQuery,
  ImageView,
  PruneAnswer,
  PruneRequest,
  VerifyEvent,
  VersionView,
} from "../api/images.ts";
import { ForceQuery, NoteRequest, TagKey, TagRequest, TagView, VersionUses } from "../api/image_tags.ts";
import {
  DiffFolder,
  DiffFolderQuery,
  FileDetails,
  FileView,
  FindQuery,
  FolderQuery,
  FoundFiles,
  PathQuery,
  TextDiff,
} from "../api/files.ts";
import { ImageSettings } from "../api/restore.ts";
import { bytes, type Calls, lines, tar } from "./call.ts";

export const imageCalls = {
  "GET /images": {
    summary: "List all versions of all images.",
    query: ImageQuery,
    isPaged: true,
    answer: z.array(ImageView),
  },
  "GET /images/:ref": {
    summary: "Show a version of an image.",
    answer: VersionView,
    errors: [409],
  },
  "DELETE /images/:ref": {
    summary: "Delete a version of an image.",
    about:
      "Refused while nodes, schedules or tags would lose their image with it; `force` deletes it all the " +
      "same, unless it is being deployed.",
    query: ForceQuery,
    errors: [409],
  },
  "GET /images/:ref/uses": {
    summary: "Show what depends on a version: nodes, schedules and tags.",
    answer: VersionUses,
    errors: [409],
  },
  "PUT /images/:ref/note": {
    summary: "Set the note of a version, or remove it.",
    body: NoteRequest,
    answer: VersionView,
    errors: [409],
  },
  "PUT /images/:name/tags/:tag": {
    summary: "Let a tag name a version of the image; an existing tag is moved.",
    params: TagKey,
    body: TagRequest,
    answer: TagView,
    errors: [409],
  },
  "DELETE /images/:name/tags/:tag": {
    summary: "Remove a tag.",
    about: "Refused while schedules or orders for every boot name it; `force` removes it all the same.",
    params: TagKey,
    query: ForceQuery,
    errors: [409],
  },
  "POST /images/:ref/verify": {
    summary: "Read a whole version, and compare it with its hashes.",
    answer: lines(VerifyEvent, "What was read and what is damaged, line by line."),
    errors: [409],
  },
  "GET /images/:ref/diff/:to": {
    summary: "List what changed from one version to another, by path.",
    answer: z.array(ImageChange),
    errors: [409],
  },
  "GET /images/:ref/diff/:to/folder": {
    summary: "Show what changed in one folder, and how much below each of its folders.",
    about: "Paths of folders are not resolved: name them as the versions do.",
    query: DiffFolderQuery,
    isPaged: true,
    answer: DiffFolder,
    errors: [404, 409],
  },
  "GET /images/:ref/diff/:to/text": {
    summary: "Compare a small text file of two versions, as a unified diff.",
    about: "Each side is UTF-8 of at most 256 KiB, or absent. Symlinks are not followed.",
    query: PathQuery,
    answer: TextDiff,
    errors: [404, 409],
  },
  "GET /images/:ref/files": {
    summary: "List a folder of a version.",
    about: "Symlinks on the way are followed within the image.",
    query: FolderQuery,
    isPaged: true,
    answer: z.array(FileView),
    errors: [404, 409],
  },
  "GET /images/:ref/find": {
    summary: "Search a version, or one of its folders, for files by name.",
    query: FindQuery,
    answer: FoundFiles,
    errors: [404, 409],
  },
  "GET /images/:ref/file": {
    summary: "Show one entry of a version: a file, a folder, a link.",
    query: PathQuery,
    answer: FileDetails,
    errors: [404, 409],
  },
  "GET /images/:ref/content": {
    summary: "Fetch the content of a file.",
    about: "Symlinks are followed within the image. Holes are sent as zeros.",
    query: PathQuery,
    answer: bytes("The file, which may hold secrets such as password hashes."),
    errors: [404, 409],
  },
  "POST /images/prune": {
    summary: "Delete old versions, or show which would be deleted.",
    body: PruneRequest,
    answer: PruneAnswer,
    errors: [404],
  },
  "GET /images/:name/settings": {
    summary: "Show the settings of an image, for all of its versions.",
    isTagged: true,
    answer: ImageSettings,
  },
  "PUT /images/:name/settings": {
    summary: "Replace the settings of an image.",
    isTagged: true,
    body: ImageSettings,
    answer: ImageSettings,
  },
  "GET /images/:ref/boot/:file": {
    summary: "Fetch a boot file of a version, such as its kernel.",
    answer: bytes("The file."),
    errors: [409],
  },
  "GET /images/:ref/torrent": {
    summary: "Fetch a version's torrent file, for other BitTorrent programs that seed it.",
    about: "What it names is sealed: a seeder cannot read the image.",
    answer: {
      media: "application/x-bittorrent",
      about: "The torrent file, with the trackers and web seeds of now.",
    },
    errors: [409],
  },
  "GET /images/:ref/export": {
    summary: "Export a version as a pax tar.",
    answer: tar("Everything in the version, with secrets such as password hashes."),
    errors: [409],
  },
} as const satisfies Calls;
