/** Calls for bootable media. */
import { z } from "zod";
import { NodeView } from "../api/nodes.ts";
import { MediumReport } from "../format/medium.ts";
import { MediumAnswer, MediumBoot, MediumBootAnswer, MediumRequest, MediumView } from "../api/media.ts";
import { bytes, type Calls } from "./call.ts";

export const mediaCalls = {
  "POST /media": {
    summary: "Make a bootable medium, and show its code once.",
    about: "Its image can be fetched for an hour, unless the server restarts.",
    body: MediumRequest,
    answer: MediumAnswer,
    errors: [404, 409],
  },
  "GET /media": {
    summary: "List the media by which machines may enrol, and those that were made lately.",
    answer: z.array(MediumView),
  },
  "DELETE /media/:medium": {
    summary: "Revoke a medium: no machine enrols by it any more, and its image is not served.",
    errors: [404],
  },
  "GET /media/:medium/image": {
    summary: "Fetch a medium's image, whole or one range of it.",
    answer: bytes("A disc image for USB sticks and CDs."),
    also: { 206: "The range that was asked for.", 416: "The image has no such range." },
    errors: [404, 409],
  },
  "GET /media/:medium/image/:file": {
    summary: "Fetch a medium's image, as a BMC does for its virtual drive.",
    about: "The file's name is the secret: it is made for one node, when POST /power inserts the medium.",
    answer: bytes("A disc image."),
    also: { 206: "The range that was asked for.", 416: "The image has no such range." },
    errors: [404, 409],
  },
  "POST /media/reports": {
    summary: "Make a node of a machine that a medium installed, by the report that its clone keeps.",
    body: MediumReport,
    answer: NodeView,
    errors: [404, 409],
  },
  "POST /node/medium": {
    summary: "Exchange a medium's token for the boot token of an armed machine.",
    body: MediumBoot,
    answer: MediumBootAnswer,
    also: { 204: "Nothing is ordered for this machine yet." },
  },
} as const satisfies Calls;
