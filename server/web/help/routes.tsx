/**
 * The book over HTTPS. It needs no login: it is the same for every site, and a person who cannot log in needs it
 * most. Each page is rendered once, so that requests without login cost next to nothing.
 */
import { Hono } from "hono";
import type { Env } from "../context.ts";
import { apiDocument } from "../openapi/document.ts";
import { ApiReference } from "./api_reference.tsx";
import { PAGES, PICTURES } from "./book.ts";
import style from "./help.css" with { type: "text" };
import { addressOf, API_REFERENCE, HelpPage } from "./help.tsx";

export function helpRoutes(): Hono<Env> {
  const app = new Hono<Env>();
  const rendered = new Map<string, string>();
  app.get("/help.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/help", (c) => PAGES[0] ? c.redirect(addressOf(PAGES[0]), 302) : c.notFound());
  let reference: string | undefined;
  app.get(API_REFERENCE.address, (c) => {
    reference ??= `<!doctype html>${<ApiReference document={apiDocument()} />}`;
    return c.html(reference);
  });
  app.get("/help/:page", (c) => {
    const page = PAGES.find(({ slug }) => slug === c.req.param("page"));
    if (page === undefined) return c.notFound();
    const html = rendered.get(page.slug) ?? `<!doctype html>${<HelpPage page={page} />}`;
    rendered.set(page.slug, html);
    return c.html(html);
  });
  app.get("/help/images/:name", (c) => {
    const picture = PICTURES.get(c.req.param("name"));
    return picture ? c.body(picture.content, 200, { "content-type": picture.type }) : c.notFound();
  });
  return app;
}
