/** Calls of a node's agent. They carry the secret of the node's order: a boot token, then the session of its enrolment. */
import { z } from "zod";
import { TpmChallenge, TpmKeys } from "../api/attestation.ts";
import { CaptureOrder, CaptureView } from "../api/captures.ts";
import {
  BackupOrder,
  DiscoverOrder,
  Enrolment,
  IdentityClaim,
  InventoryReport,
  Order,
  ReportAnswer,
  StepReport,
} from "../api/node_agent.ts";
import { SignatureAnswer, SignatureRequest } from "../api/secure_boot.ts";
import { ExtentRequest } from "../format/extent_answer.ts";
import { Identity } from "../identity.ts";
import { bytes, type Calls } from "./call.ts";

export const nodeAgentCalls = {
  "POST /node/enrol": {
    summary: "Exchange a boot token, which is good once, for the node's order.",
    body: Enrolment,
    answer: z.union([Order, BackupOrder, DiscoverOrder]),
    errors: [409, 428],
  },
  "POST /node/attest": {
    summary: "Show the keys of the machine's TPM, and get what a quote must answer.",
    about: "With the boot token, after an enrolment was answered with 428.",
    body: TpmKeys,
    answer: TpmChallenge,
    errors: [400, 409],
  },
  "POST /node/inventory": {
    summary: "Report the machine's hardware, as a discovery asks for it.",
    body: InventoryReport,
    errors: [409],
  },
  "POST /node/report": {
    summary: "Report a step of the installation.",
    body: StepReport,
    answer: ReportAnswer,
  },
  "POST /node/identity": {
    summary: "Claim an identity for the clone.",
    body: IdentityClaim,
    answer: Identity,
    errors: [409],
  },
  "POST /node/record": {
    summary: "Record the clone's identity with its secrets, for its next installation.",
    body: Identity,
  },
  "POST /node/backup": {
    summary: "Begin the ordered backup, or continue it.",
    answer: CaptureOrder,
    errors: [409],
  },
  "GET /node/backup/:capture": {
    summary: "Show a capture of this node.",
    answer: CaptureView,
    errors: [403, 409],
  },
  "GET /node/torrent": {
    summary: "Fetch the torrent file of the ordered version.",
    answer: { media: "application/x-bittorrent", about: "BEP 3." },
    errors: [404, 409],
  },
  "POST /node/extents": {
    summary: "Fetch scattered extents of the ordered version.",
    body: ExtentRequest,
    answer: bytes("As in contract/format/extent_answer.ts."),
    errors: [404, 409],
  },
  "POST /node/signatures": {
    summary: "Have the clone's boot programs signed by the site's Secure Boot key.",
    about: "Only programs that the ordered version has, and only while the node installs.",
    body: SignatureRequest,
    answer: SignatureAnswer,
    errors: [403, 409],
  },
  "GET /node/packs/:torrent/:file": {
    summary: "Fetch a file of the ordered version, whole or one range of it.",
    answer: bytes("The file."),
    also: { 206: "The range that was asked for.", 416: "The file has no such range." },
    errors: [409],
  },
} as const satisfies Calls;
