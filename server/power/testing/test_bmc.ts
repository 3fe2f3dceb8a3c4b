/** A Redfish service in memory, for what no emulator does: refusing in the ways of real BMCs, dying and lying. */
import type { SendToBmc } from "../bmc_connection.ts";
import type { BootPatch } from "../redfish/boot_override.ts";

interface TestRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

interface TestAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
}

export interface TestBmcOptions {
  readonly password?: string;
  readonly isOn?: boolean;
  /** Replace members of the ComputerSystem. */
  readonly system?: Record<string, unknown>;
  readonly boot?: Record<string, unknown> | null;
  readonly resetTypes?: readonly string[];
  /** ETag of the system, as header. */
  readonly etag?: string;
  /** "unlisted": as sushy-tools, which knows Basic authentication alone. */
  readonly sessions?: boolean | "unlisted";
  /** Answers in place of the service; undefined: the service answers. */
  readonly intercept?: (request: TestRequest, bmc: TestBmc) => TestAnswer | undefined;
}

export const SYSTEM = "/redfish/v1/Systems/1";
const RESET = `${SYSTEM}/Actions/ComputerSystem.Reset`;
const SESSION = "/redfish/v1/SessionService/Sessions";
export const RESET_TYPES = ["On", "ForceOff", "GracefulShutdown", "ForceRestart", "Nmi"];

export class TestBmc {
  isOn: boolean;
  boot: Record<string, unknown> | null;
  sessions = 0;
  readonly requests: TestRequest[] = [];
  readonly #options: TestBmcOptions;

  constructor(options: TestBmcOptions = {}) {
    this.#options = options;
    this.isOn = options.isOn ?? false;
    this.boot = options.boot === undefined
      ? {
        BootSourceOverrideEnabled: "Disabled",
        BootSourceOverrideTarget: "None",
        BootSourceOverrideMode: "UEFI",
      }
      : options.boot;
  }

  /** The PATCHes and resets that arrived, as "PATCH Once Pxe UEFI" and "ForceOff". */
  get orders(): string[] {
    return this.requests.flatMap(({ method, path, body }) => {
      if (path === RESET) return (body as { ResetType: string }).ResetType;
      if (method !== "PATCH") return [];
      return `PATCH ${Object.values((body as { Boot: BootPatch }).Boot).join(" ")}`;
    });
  }

  readonly send: SendToBmc = ({ method, path, headers = {}, body }) => {
    const answer = this.answer({ method, path, headers: new Headers(headers), body });
    return Promise.resolve({
      status: answer.status,
      headers: new Headers(answer.headers),
      body: answer.json === undefined
        ? new Uint8Array()
        : new TextEncoder().encode(JSON.stringify(answer.json)),
    });
  };

  answer(request: TestRequest): TestAnswer {
    this.requests.push(request);
    return this.#options.intercept?.(request, this) ?? this.serve(request);
  }

  /** Without the interception. */
  serve({ method, path, headers, body }: TestRequest): TestAnswer {
    const { password = "secret", sessions = true, etag } = this.#options;
    if (path === "/redfish/v1/") {
      const links = sessions === "unlisted" ? {} : { Links: { Sessions: link(SESSION) } };
      return ok({ RedfishVersion: "1.6.0", Systems: link("/redfish/v1/Systems"), ...links });
    }
    if (path === SESSION && method === "POST" && sessions !== "unlisted") {
      if (!sessions) return { status: 404 };
      if ((body as { Password: string }).Password !== password) return { status: 401 };
      this.sessions++;
      return { status: 201, headers: { "x-auth-token": "token", location: `${SESSION}/1` } };
    }
    const basic = `Basic ${btoa(`admin:${password}`)}`;
    if (headers.get("x-auth-token") !== "token" && headers.get("authorization") !== basic) {
      return { status: 401 };
    }
    if (path === `${SESSION}/1`) return this.sessions--, { status: 204 };
    if (path === "/redfish/v1/Systems") return ok({ Members: [link(SYSTEM)] });
    if (path === RESET) return this.#reset((body as { ResetType: string }).ResetType);
    if (path !== SYSTEM) return { status: 404 };
    if (method === "PATCH") {
      this.boot = Object.assign({}, this.boot, (body as { Boot: object }).Boot);
      return { status: 204 };
    }
    return { ...ok(this.system()), ...(etag !== undefined && { headers: { etag } }) };
  }

  system(): unknown {
    const { resetTypes = RESET_TYPES, system } = this.#options;
    const action = { target: RESET, "ResetType@Redfish.AllowableValues": resetTypes };
    return Object.assign({
      "@odata.id": SYSTEM,
      PowerState: this.isOn ? "On" : "Off",
      ...(this.boot && { Boot: this.boot }),
      Actions: { "#ComputerSystem.Reset": action },
    }, system);
  }

  #reset(type: string): TestAnswer {
    const { resetTypes = RESET_TYPES } = this.#options;
    if (!resetTypes.includes(type)) return refusal(400, "Base.1.8.ActionParameterNotSupported");
    if (type === "On" && this.isOn) return refusal(409, "IDRAC.2.1.PSU501");
    this.isOn = !/Off|Shutdown|Push/.test(type);
    return { status: 204 };
  }
}

export function refusal(status: number, id: string, message = "It cannot be done."): TestAnswer {
  const info = [{ MessageId: id, Message: message }];
  return { status, json: { error: { code: "Base.1.8.GeneralError", "@Message.ExtendedInfo": info } } };
}

function ok(json: unknown): TestAnswer {
  return { status: 200, json };
}

function link(path: string) {
  return { "@odata.id": path };
}
