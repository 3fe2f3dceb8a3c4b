/** Details of one node, asked for again whenever the feed shows that something about it has changed. */
import { useEffect, useRef } from "preact/hooks";
import type { NodeView } from "#contract/api.ts";
import type { DeskNode, Stale } from "#contract/desk.ts";
import { segment } from "../../api/call.ts";
import { type Resource, useResource } from "../../api/resource.ts";

/** At most one question a second, however often the node reports. */
const PAUSE_MS = 1000;

/** `mark`: anything that is another value after a change. */
export function useFollowed<T>(
  path: string | undefined,
  { mark, on = [] }: { mark: unknown; on?: readonly Stale[] },
): Resource<T> {
  const resource = useResource<T>(path, { on });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const askedMs = useRef(Date.now());
  const known = useRef(mark);
  useEffect(() => {
    if (known.current === mark) return;
    known.current = mark;
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      askedMs.current = Date.now();
      resource.reload();
    }, Math.max(0, askedMs.current + PAUSE_MS - Date.now()));
  }, [mark]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return resource;
}

export function useNode(name: string, node: DeskNode | undefined): Resource<NodeView> {
  return useFollowed<NodeView>(`/nodes/${segment(name)}`, { mark: node });
}

/** What of a node changes when something has happened to it, but not with its progress. */
export function eventMark(node: DeskNode | undefined): string {
  if (!node) return "";
  const { state, order, image, step, problem, warnings, drift, power, everyBoot } = node;
  return JSON.stringify([state, order, image, step, problem?.title, warnings, drift, power, everyBoot]);
}
