/** Calls about OCI registries: versions that are pushed there and pulled from there. */
import { ImageKey, PullRequest, PushRequest, TransferView } from "../api/transfers.ts";
import type { Calls } from "./call.ts";

export const transferCalls = {
  "POST /images/:ref/push": {
    summary: "Push a version to an OCI registry.",
    about:
      "The answer comes at once; follow it by GET /transfers/:id. What the registry has is not sent again.",
    body: PushRequest,
    answer: TransferView,
    errors: [404, 409],
  },
  "POST /images/pull": {
    summary: "Pull a version from an OCI registry, and publish it under the name and number that it has.",
    about:
      "The answer comes at once; follow it by GET /transfers/:id. Without a key, the version must be one that this " +
      "server pushed.",
    body: PullRequest,
    answer: TransferView,
  },
  "GET /transfers/:id": {
    summary: "Show how a push or a pull goes.",
    answer: TransferView,
  },
  "POST /transfers/:id/cancel": {
    summary: "Cancel a push or a pull.",
    answer: TransferView,
  },
  "POST /images/:name/key": {
    summary: "Hand out an image's key, with which another server can pull its versions.",
    about: "It opens every version of the image, with the secrets in them.",
    answer: ImageKey,
  },
} as const satisfies Calls;
