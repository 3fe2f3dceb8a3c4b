/**
 * The API between agent, command line, page and server: JSON over HTTPS below `/api/v1`, checked against these
 * schemas at both ends. calls.ts lists every call. Errors are RFC 9457 problems (errors.ts). Every call carries
 * `Authorization: Bearer SECRET`; token.ts shows how a token carries the server's pin.
 *
 * The clone itself reports once, over plain HTTP: see api/first_boot.ts.
 */
export { Cidr, Hostname, Ipv4Address, Mac } from "./identity.ts";
export { ImageRef, MachineName, ProblemSchema } from "./api/fields.ts";
export * from "./api/captures.ts";
export * from "./api/deployments.ts";
export * from "./api/disks.ts";
export * from "./api/encryption.ts";
export * from "./api/images.ts";
export * from "./api/notices.ts";
export * from "./api/plan_preview.ts";
export * from "./api/nodes.ts";
export * from "./api/node_agent.ts";
export * from "./api/node_history.ts";
export * from "./api/events.ts";
export * from "./api/hardware_history.ts";
export * from "./api/machines.ts";
export * from "./api/power.ts";
export * from "./api/restarts.ts";
export * from "./api/reviews.ts";

export const API = "/api/v1";
