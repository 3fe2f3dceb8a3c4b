/** Calls about users, their tokens, and the audit log. */
import { z } from "zod";
import {
  AdminTokenAnswer,
  TokenAdd,
  TokenAnswer,
  TokenView,
  UserAdd,
  UserAnswer,
  UserChange,
  UserView,
  WhoAmI,
} from "../api/access.ts";
import { AuditLine, AuditPage, AuditQuery } from "../api/audit.ts";
import { type Calls, lines } from "./call.ts";

export const peopleCalls = {
  "GET /me": {
    summary: "Show who makes the call, and with which role.",
    answer: WhoAmI,
  },
  "GET /users": {
    summary: "List the users, by name.",
    answer: z.array(UserView),
  },
  "POST /users": {
    summary: "Add a user; the answer has a set-up link that is good once.",
    body: UserAdd,
    answer: UserAnswer,
    errors: [409],
  },
  "GET /users/:user": {
    summary: "Show a user.",
    isTagged: true,
    answer: UserView,
  },
  "PUT /users/:user": {
    summary: "Change a user's role or groups, or reset the password.",
    isTagged: true,
    about: "What is left out stays. It ends the user's sessions.",
    body: UserChange,
    answer: UserAnswer,
  },
  "DELETE /users/:user": {
    summary: "Remove a user, with their sessions and tokens.",
    isTagged: true,
  },
  "GET /tokens": {
    summary: "List the caller's own tokens; for an admin, everybody's.",
    answer: z.array(TokenView),
  },
  "POST /tokens": {
    summary: "Make a token, which is shown this once.",
    body: TokenAdd,
    answer: TokenAnswer,
    errors: [404, 409],
  },
  "DELETE /tokens/:id": {
    summary: "Revoke a token.",
  },
  "POST /tokens/rotate-admin": {
    summary: "Replace the admin token; the one before ends at once.",
    answer: AdminTokenAnswer,
  },
  "GET /audit": {
    summary: "Read the audit log, newest entries first.",
    query: AuditQuery,
    answer: AuditPage,
  },
  "GET /audit/export": {
    summary: "Export the audit log, oldest line first.",
    answer: lines(AuditLine, "The lines that were hashed, then how many were ever written."),
  },
} as const satisfies Calls;
