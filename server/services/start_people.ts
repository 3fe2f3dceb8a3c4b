/** The people: their sessions, tokens and logins. */
import { LoginRecord } from "../access/login_record.ts";
import { PageSessions } from "../access/page_sessions.ts";
import { People } from "../access/people.ts";
import { EndedSessions } from "../store/ended_sessions.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

interface PeopleParts {
  readonly people: People;
  readonly sessions: PageSessions;
  readonly logins: LoginRecord;
}

export function startPeople(
  { now }: StartContext,
  { admin, audit, db, pin, tokens, users }: ServerData,
): PeopleParts {
  const generationOf = (user: string) => users.find(user)?.generation;
  const sessions = new PageSessions({ admin, ended: new EndedSessions(db), generationOf, now });
  return {
    people: new People({ admin, users, tokens, sessions, pin, now }),
    sessions,
    logins: new LoginRecord({ audit, now }),
  };
}
