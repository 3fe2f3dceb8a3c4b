/** Calls about sites: by people here, by relays to their upstream. */
import { z } from "zod";
import {
  RelayEnrolled,
  RelayEnrolment,
  RelayOffer,
  RelayReport,
  SiteAdd,
  SiteAnswer,
  SiteDetails,
  SiteEvent,
  SiteEventQuery,
  SiteImageKey,
  SiteKey,
  SiteView,
  UpstreamView,
} from "../api/sites.ts";
import { bytes, type Calls } from "./call.ts";

export const relayCalls = {
  "GET /sites": {
    summary: "List the sites, by name.",
    answer: z.array(SiteView),
  },
  "POST /sites": {
    summary: "Add a site; the answer has the token that enrols its relay, once.",
    body: SiteAdd,
    answer: SiteAnswer,
    errors: [409],
  },
  "GET /sites/:site": {
    summary: "Show a site with its nodes, as its relay last reported them.",
    params: SiteKey,
    answer: SiteDetails,
  },
  "DELETE /sites/:site": {
    summary: "Remove a site with all that is known about it; its relay gets nothing more.",
    params: SiteKey,
  },
  "GET /sites/:site/events": {
    summary: "List what happened to the nodes of a site, newest first.",
    params: SiteKey,
    query: SiteEventQuery,
    isPaged: true,
    answer: z.array(SiteEvent),
  },
  "POST /sites/:site/token": {
    summary: "Make a new token for a site's relay.",
    about: "What the relay has proved itself with stays good until another relay enrols.",
    params: SiteKey,
    answer: SiteAnswer,
  },
  "POST /sites/:site/revoke": {
    summary: "Revoke a site's relay: from now on it gets nothing more.",
    params: SiteKey,
    answer: SiteView,
  },
  "PUT /sites/:site/images/:ref": {
    summary: "Assign an image to a site: its relay mirrors it, and gets its key.",
    about: "A version stays what it is; a tag, or an image's name alone, is followed.",
    params: SiteImageKey,
    answer: SiteView,
    errors: [404, 409],
  },
  "DELETE /sites/:site/images/:ref": {
    summary: "End an assignment: the relay deletes what nothing there needs.",
    params: SiteImageKey,
    answer: SiteView,
    errors: [404],
  },
  "GET /upstream": {
    summary: "Show this server's upstream, if it is a relay.",
    answer: UpstreamView,
    errors: [404],
  },
  "POST /relay/enrol": {
    summary: "Enrol a relay: the site's token is exchanged for trust in the relay's own key.",
    body: RelayEnrolment,
    answer: RelayEnrolled,
    errors: [409],
  },
  "POST /relay/sync": {
    summary: "Report a site's state, and learn what is assigned to it.",
    body: RelayReport,
    answer: RelayOffer,
  },
  "GET /relay/torrents/:ref": {
    summary: "Fetch the torrent of an assigned version.",
    answer: { media: "application/x-bittorrent", about: "BEP 3." },
    errors: [404, 409],
  },
  "GET /relay/packs/:ref/:torrent/:file": {
    summary: "Fetch a file of an assigned version, or a range of it.",
    answer: bytes("The file, sealed."),
    also: { 206: "The range that was asked for.", 416: "The file has no such range." },
    errors: [404, 409],
  },
} as const satisfies Calls;
