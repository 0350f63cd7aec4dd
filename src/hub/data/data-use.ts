/** Whether the rows of a data folder are its own, or a copy of a log that hubs share: the one must not be served as the other. */
import { LinkError } from '../../errors.ts'
import type { Connection } from './database.ts'

export type DataUse = 'own' | 'shared'

/** What a folder is used for; null where nothing came yet. */
export function useOf(database: Connection): DataUse | null {
  const text = database.prepare("SELECT value FROM meta WHERE key = 'backend'").pluck().get()
  if (text === 'nats') return 'shared'
  return database.prepare('SELECT 1 FROM projects LIMIT 1').get() === undefined ? null : 'own'
}

/** @throws LinkError HUB_DATA_SHARED, HUB_DATA_NOT_SHARED */
export function claimUse(database: Connection, use: DataUse): void {
  const known = useOf(database)
  if (use === 'own' && known === 'shared') throw sharedData()
  if (use === 'own') return
  if (known === 'own') {
    throw new LinkError('HUB_DATA_NOT_SHARED', "the folder holds a hub's own data", {
      hint: 'Move it into NATS with `kittiwake hub migrate --from sqlite --to nats`, or name a new folder.',
    })
  }
  database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('backend', 'nats')").run()
}

/** What has to be done with the log that hubs share can't be done with one copy of it. */
export function sharedData(): LinkError {
  return new LinkError('HUB_DATA_SHARED', 'the folder holds a copy of what hubs share by NATS', {
    hint: 'Serve it with `--backend nats`, or move the data into a folder of its own with `kittiwake hub migrate --from nats --to sqlite`.',
  })
}
