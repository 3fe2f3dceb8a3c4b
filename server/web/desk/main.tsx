/** Starts the desk in the browser. */
import "./no_eval.ts";
import { render } from "preact";
import { App } from "./app.tsx";
import { watchFeed } from "./live/feed.ts";
import { language } from "./messages/language.ts";
import { listenForKeys } from "./parts/keys.ts";
import { startClock } from "./parts/times.tsx";

document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
listenForKeys();
startClock();
watchFeed();
render(<App />, document.body);
