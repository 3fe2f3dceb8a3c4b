import type { Database, Statement } from "./engine.ts";
import { ImageSettings } from "#contract/api/restore.ts";

/** Operators' settings for images, by image name. */
export class ImageSettingsTable {
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #forget: Statement;

  constructor(db: Database) {
    db.exec(
      "CREATE TABLE IF NOT EXISTS image_settings (image TEXT PRIMARY KEY, settings TEXT NOT NULL) STRICT",
    );
    this.#get = db.prepare("SELECT settings FROM image_settings WHERE image = ?");
    this.#put = db.prepare(
      "INSERT INTO image_settings VALUES (?, ?) ON CONFLICT (image) DO UPDATE SET settings = excluded.settings",
    );
    this.#forget = db.prepare("DELETE FROM image_settings WHERE image = ?");
  }

  /** Empty if nothing was set. */
  get(image: string): ImageSettings {
    const row = this.#get.get(image) as { settings: string } | undefined;
    return row ? ImageSettings.parse(JSON.parse(row.settings)) : {};
  }

  put(image: string, settings: ImageSettings): void {
    this.#put.run(image, JSON.stringify(settings));
  }

  forget(image: string): void {
    this.#forget.run(image);
  }
}
