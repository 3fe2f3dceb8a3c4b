/** The files for Prometheus and Grafana that come with the product. */
import alerts from "./data/alerts.yaml" with { type: "text" };
import dashboard from "./data/dashboard.json" with { type: "text" };
import scrape from "./data/scrape.yaml" with { type: "text" };

export const MONITORING_FILES = { alerts, dashboard, scrape } as const;
