import { portError, type PortName } from "../../boot/port_holder.ts";

/** Runs `start`, which binds a port. If the port is taken, the error names the program that holds it. */
export async function bind<T>(
  name: PortName,
  { action, start }: { action: string; start: () => T | Promise<T> },
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw portError(name, { action, error: systemError(error) });
  }
}

/** The system's own error, unwrapped. node:dgram has codes where Deno has classes. */
function systemError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return new Deno.errors.AddrInUse(error.message);
  if (code === "EACCES") return new Deno.errors.PermissionDenied(error.message);
  return error.cause === undefined ? error : systemError(error.cause);
}
