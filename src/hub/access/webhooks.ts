/** Who may report pushes: a git host, for one project of one team, by a secret that signs what it sends. */
import { randomBytes } from 'node:crypto'
import { UUID_V4_PATTERN } from '../../contracts/event.ts'
import { InputError, LinkError } from '../../errors.ts'
import { inTransaction } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { WEBHOOKS_MAX } from '../limits.ts'
import { newWebhookSecret } from './secrets.ts'
import { checkTeam } from './tokens.ts'

export type WebhookRequest = {
  readonly dataDir: string
  readonly team: string
  readonly project: string
}

export type WebhookRow = {
  readonly webhook_id: string
  readonly team: string
  readonly project_uuid: string
  readonly created_at: number
  readonly revoked_at: number | null
}

/** The secret can't be shown again. */
export type CreatedWebhook = WebhookRow & { readonly secret: string }

/** Behind it stands the id. */
export const WEBHOOK_PREFIX = '/api/v1/webhooks/git/'
const ID_BYTES = 8
const SHOWN = 'webhook_id, team, project_uuid, created_at, revoked_at'

/**
 * A new webhook, before a hub serves the folder or while it does. Its secret is kept as it is, since a signature can be
 * checked with nothing else; no command shows it again.
 *
 * @throws InputError HUB_TEAM_INVALID, HUB_PROJECT_INVALID
 * @throws LinkError HUB_WEBHOOKS_FULL, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function createWebhook({ dataDir, team, project }: WebhookRequest): CreatedWebhook {
  checkTeam(team)
  if (!UUID_V4_PATTERN.test(project)) {
    throw new InputError('HUB_PROJECT_INVALID', 'a project is named by its UUID, in lower case', {
      hint: 'See it with `kittiwake status` in the repository, or in the address of the dashboard.',
    })
  }
  return inTransaction(dataDir, true, (database, created_at) => {
    makeRoom(database)
    const webhook_id = `whk_${randomBytes(ID_BYTES).toString('hex')}`
    const secret = newWebhookSecret()
    database
      .prepare('INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, NULL)')
      .run(webhook_id, team, project, secret, created_at)
    return { webhook_id, team, project_uuid: project, created_at, revoked_at: null, secret }
  })
}

/** All webhooks, oldest first, without secrets. @throws LinkError HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER */
export function listWebhooks(dataDir: string): readonly WebhookRow[] {
  return inTransaction(dataDir, false, (database) =>
    database
      .prepare<[], WebhookRow>(`SELECT ${SHOWN} FROM webhooks ORDER BY created_at, webhook_id`)
      .all(),
  )
}

/**
 * Ends a webhook for good; again, it changes nothing.
 *
 * @throws LinkError HUB_WEBHOOK_UNKNOWN, HUB_DATA_MISSING, HUB_DATA_UNUSABLE, HUB_DATA_NEWER
 */
export function revokeWebhook(dataDir: string, webhookId: string): WebhookRow {
  return inTransaction(dataDir, false, (database, now) => {
    const sql = `UPDATE webhooks SET revoked_at = coalesce(revoked_at, ?), secret = ''
       WHERE webhook_id = ? RETURNING ${SHOWN}`
    const found = database.prepare<[number, string], WebhookRow>(sql).get(now, webhookId)
    if (found !== undefined) return found
    throw new LinkError('HUB_WEBHOOK_UNKNOWN', 'this hub has no webhook with that id', {
      hint: 'See the ids with `kittiwake hub webhook list`.',
    })
  })
}

// Those that were revoked are kept to be listed, until their room is needed.
function makeRoom(database: Connection): void {
  const count = database.prepare('SELECT count(*) FROM webhooks').pluck()
  if (Number(count.get()) < WEBHOOKS_MAX) return
  database.exec('DELETE FROM webhooks WHERE revoked_at IS NOT NULL')
  if (Number(count.get()) < WEBHOOKS_MAX) return
  throw new LinkError('HUB_WEBHOOKS_FULL', `the hub holds at most ${WEBHOOKS_MAX} webhooks`, {
    hint: 'Revoke those that nobody uses, with `kittiwake hub webhook revoke ID`.',
  })
}
