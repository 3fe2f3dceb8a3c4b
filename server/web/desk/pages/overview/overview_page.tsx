/** What is wrong and what to do about it, what runs and how long it still takes, and how the site is. */
import {
  captures,
  counts,
  machines,
  nodes,
  notices,
  sendingRate,
  site,
  templates,
} from "../../live/state.ts";
import { bytesText, countText, rateText } from "../../messages/figures.ts";
import { STATES, stateText } from "../../messages/states.ts";
import { t as common } from "../../messages/common.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Sign } from "../../parts/state_sign.tsx";
import { LastOrders } from "./last_orders.tsx";
import { t } from "./messages.ts";
import { InProgress } from "./in_progress.tsx";
import { wrongNodes } from "./wrong.ts";

export function OverviewPage() {
  return (
    <Page title={t("title")}>
      <WrongThings />
      {nodes.value.length === 0 && templates.value.length === 0 && captures.value.length === 0 && (
        <FirstSteps />
      )}
      <div class="columns">
        <section aria-labelledby="running">
          <h2 id="running">{t("running")}</h2>
          <InProgress />
        </section>
        <section aria-labelledby="states">
          <h2 id="states">{t("states")}</h2>
          <ul class="counts">
            {STATES.filter((state) => counts.value[state] !== undefined).map((state) => (
              <li key={state}>
                <a href={`/nodes?q=state:${state}`} class={`state ${state}`}>
                  <strong>{countText(counts.value[state] ?? 0)}</strong>
                  <span>
                    <Sign state={state} /> {stateText({ state })}
                  </span>
                </a>
              </li>
            ))}
          </ul>
          <Throughput />
          <Space />
        </section>
      </div>
      {mayAdminister() && <LastOrders />}
    </Page>
  );
}

const NAMES_SHOWN = 6;

function WrongThings() {
  const wrong = wrongNodes(nodes.value), appeared = machines.value.length;
  return (
    <section aria-labelledby="wrong">
      <h2 id="wrong">{t("wrong")}</h2>
      {wrong.length === 0 && notices.value.length === 0 && <p class="well">{t("allWell")}</p>}
      <ul class="wrongs">
        {notices.value.map(({ subject, problem, remedy }) => (
          <li key={`${subject}: ${problem}`} class="wrong">
            <strong>{subject}: {problem}</strong>
            <p>{common("remedy", { remedy })}</p>
          </li>
        ))}
        {wrong.map(({ key, title, detail, remedy, query, nodes }) => (
          <li key={key} class="wrong">
            <strong>{title}</strong>
            {detail !== undefined && <p>{detail}</p>}
            <p>{common("remedy", { remedy })}</p>
            <p>
              {nodes.slice(0, NAMES_SHOWN).map(({ name }) => <a key={name} href={`/nodes/${name}`}>{name}
              </a>)}
              {nodes.length > NAMES_SHOWN && <span>{t("moreLike", { n: nodes.length - NAMES_SHOWN })}</span>}
              {nodes.length > 1 && (
                <a class="button" href={`/nodes?q=${encodeURIComponent(query)}`}>{t("show")}</a>
              )}
            </p>
          </li>
        ))}
        {appeared > 0 && (
          <li>
            {t("appeared", { n: appeared })} <a class="button" href="/machines">{t("adopt")}</a>
          </li>
        )}
      </ul>
    </section>
  );
}

function Throughput() {
  const receiving = nodes.value.reduce(
    (sum, { state, progress }) => sum + (state === "installing" ? progress?.bytesPerSecond ?? 0 : 0),
    0,
  );
  return (
    <>
      <h3>{t("throughput")}</h3>
      <dl class="figures">
        <div>
          <dt>{t("fromServer")}</dt>
          <dd>{sendingRate.value === undefined ? "–" : rateText(sendingRate.value)}</dd>
        </div>
        <div>
          <dt>{t("toNodes")}</dt>
          <dd>{rateText(receiving)}</dd>
        </div>
      </dl>
    </>
  );
}

function Space() {
  const now = site.value;
  if (!now) return null;
  const text = t("free", {
    free: bytesText(now.freeBytes),
    size: bytesText(now.sizeBytes),
    used: bytesText(now.packBytes),
  });
  return (
    <>
      <h3>{t("space")}</h3>
      <meter
        min={0}
        max={now.sizeBytes}
        high={now.sizeBytes * 0.9}
        value={now.sizeBytes - now.freeBytes}
        aria-label={`${t("space")}: ${text}`}
      />
      <p>{text}</p>
    </>
  );
}

function FirstSteps() {
  const { origin } = location;
  return (
    <section aria-labelledby="first">
      <h2 id="first">{t("firstSteps")}</h2>
      <p>{t("firstTemplate")}</p>
      <Command
        line={commandLine("rackseed", "agent", "template", "--server", origin, "--token", common("unknown"))}
      />
    </section>
  );
}
