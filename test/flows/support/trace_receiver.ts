/** An OpenTelemetry collector's receiver: takes the bytes of OTLP over HTTP, in JSON, as its specification has them. */
import assert from "node:assert/strict";
import { z } from "zod";

const Nanoseconds = z.string().regex(/^[1-9]\d{18}$/);
const Value = z.union([
  z.strictObject({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.strictObject({ intValue: z.union([z.int(), z.string().regex(/^-?\d+$/)]) }).transform(({ intValue }) =>
    Number(intValue)
  ),
]);
const Attributes = z.array(z.strictObject({ key: z.string(), value: Value }))
  .transform((all) => Object.fromEntries(all.map(({ key, value }) => [key, value])));

/** opentelemetry-proto 1.x, trace.proto, in the JSON mapping of OTLP: ids in hex, 64-bit times as text. */
const Span = z.strictObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().regex(/^[0-9a-f]{16}$/).optional(),
  name: z.string().min(1),
  kind: z.int().min(0).max(5),
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Nanoseconds,
  attributes: Attributes,
  status: z.strictObject({ code: z.int().min(0).max(2), message: z.string().optional() }),
  flags: z.int(),
  events: z.tuple([]),
  links: z.tuple([]),
  droppedAttributesCount: z.literal(0),
  droppedEventsCount: z.literal(0),
  droppedLinksCount: z.literal(0),
});
type Span = z.output<typeof Span>;

const ExportRequest = z.strictObject({
  resourceSpans: z.array(z.strictObject({
    resource: z.strictObject({ attributes: Attributes, droppedAttributesCount: z.literal(0) }),
    scopeSpans: z.array(z.strictObject({
      scope: z.strictObject({ name: z.string(), version: z.string() }),
      spans: z.array(Span),
    })),
  })),
});

export class TraceReceiver implements AsyncDisposable {
  readonly spans: Span[] = [];
  /** Of the last request. */
  resource: Readonly<Record<string, unknown>> = {};
  /** Everything that was received, as text. */
  text = "";
  readonly #faults: unknown[] = [];
  readonly url: URL;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** `tls`: in PEM. */
  constructor(tls?: { cert: string; key: string }) {
    const at = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve({ ...at, ...tls }, (request) => this.#take(request));
    this.url = new URL(`${tls ? "https" : "http"}://127.0.0.1:${this.#server.addr.port}`);
  }

  /** The spans whose parent this is, by name; `undefined`: those without a parent. */
  below(parent: Span | undefined): Span[] {
    return this.spans.filter(({ parentSpanId, traceId }) =>
      parentSpanId === parent?.spanId && (parent === undefined || traceId === parent.traceId)
    ).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async #take(request: Request): Promise<Response> {
    const text = await request.text();
    this.text += `${request.url}\n${JSON.stringify([...request.headers])}\n${text}\n`;
    try {
      assert.equal(new URL(request.url).pathname, "/v1/traces");
      assert.equal(request.headers.get("content-type"), "application/json");
      for (const { resource, scopeSpans } of ExportRequest.parse(JSON.parse(text)).resourceSpans) {
        this.resource = resource.attributes;
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
    } catch (error) {
      this.#faults.push(error);
    }
    return Response.json({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    assert.deepEqual(this.#faults, []);
  }
}
