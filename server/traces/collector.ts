/**
 * Sends spans to an OpenTelemetry collector: OTLP/HTTP in JSON, by the project's own SDK. That reads more settings from
 * the environment, as its specification has them: OTEL_EXPORTER_OTLP_HEADERS, …_CERTIFICATE, OTEL_RESOURCE_ATTRIBUTES.
 *
 * The runtime's own tracing is of no use here. Whether a compiled program traces is decided when it is compiled, and it
 * sends whole URLs, in which links to log in have their secrets.
 */
import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import {
  type Context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { WorkSpan } from "./work_span.ts";

const log = getLogger(["rackseed", "traces"]);
/** Of one request, its repeats included; the server does not close before. */
const SEND_MS = 3000;
/** Spans that wait: the steps of a thousand nodes. */
const MAX_WAITING = 16_384;
const MAX_TEXT = 300;

export class Collector implements AsyncDisposable {
  readonly #ids = new GivenIds();
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor({ endpoint, version, host }: { endpoint: URL; version: string; host: string }) {
    const facts = { "service.name": "rackseed", "service.version": version, "host.name": host };
    const url = new URL("v1/traces", endpoint.href.endsWith("/") ? endpoint : `${endpoint.href}/`).href;
    const exporter = reported(new OTLPTraceExporter({ url, timeoutMillis: SEND_MS }), endpoint);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes(facts).merge(detectResources({ detectors: [envDetector] })),
      idGenerator: this.#ids,
      spanLimits: { attributeValueLengthLimit: MAX_TEXT },
      spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MAX_WAITING })],
    });
    this.#tracer = this.#provider.getTracer("rackseed", version);
  }

  send({ path, name, startMs, endMs, attributes, problem }: WorkSpan): void {
    this.#ids.path = path;
    const span = this.#tracer.startSpan(name, { startTime: startMs, attributes }, contextOf(path));
    if (problem !== undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: problem.slice(0, MAX_TEXT) });
    }
    span.end(Math.max(startMs, endMs));
  }

  /** Sends what waits, for SEND_MS at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    // that it failed has been logged
    await this.#provider.shutdown().catch(() => {});
  }
}

/** The ids of the span that is made next: the same path has the same ids, also after a restart. */
class GivenIds implements IdGenerator {
  path: WorkSpan["path"] = [""];
  readonly generateTraceId = () => traceIdOf(this.path);
  readonly generateSpanId = () => spanIdOf(this.path);
}

function contextOf(path: WorkSpan["path"]): Context {
  const [whole, ...parts] = path;
  if (parts.length === 0) return ROOT_CONTEXT;
  const spanId = spanIdOf([whole, ...parts.slice(0, -1)]);
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIdOf(path),
    spanId,
    traceFlags: TraceFlags.SAMPLED,
  });
}

/** 16 bytes in hex. */
function traceIdOf([whole]: WorkSpan["path"]): string {
  return digest(`trace ${whole}`).slice(0, 32);
}

/** 8 bytes in hex. */
function spanIdOf(path: WorkSpan["path"]): string {
  return digest(`span ${path.join("\0")}`).slice(0, 16);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Logs when the collector stops taking spans, and when it takes them again. */
function reported(exporter: SpanExporter, { origin }: URL): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const hasFailed = result.error !== undefined;
        if (hasFailed && !isAway) log.warn("traces-not-sent", { to: origin, error: result.error?.message });
        if (!hasFailed && isAway) log.info("traces-sent-again", { to: origin });
        isAway = hasFailed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
