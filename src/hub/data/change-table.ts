/**
 * Tokens, webhooks and windows that hubs tell each other of. A command changes those of one folder; what the hub there has not
 * told yet is found by comparing, and is not overwritten by what the others told before they knew.
 */
import type { Statement } from 'better-sqlite3'
import type { HolderChange, SessionChange, TokenChange, WebhookChange } from '../changes.ts'
import type { Connection } from './database.ts'
import { hashOf, isSameJson } from './row-content.ts'
import type { SessionsTable } from './sessions-table.ts'

type Row = { readonly id: string; readonly text: string; readonly content_hash: Buffer | null }
type Tellable = TokenChange | WebhookChange

const TOKENS = `SELECT t.token_id AS id, content_hash, json_object('kind', 'token',
    'token_id', t.token_id, 'team', t.team, 'user', t.user, 'created_at', t.created_at,
    'ttl_ms', t.ttl_ms, 'revoked_at', t.revoked_at, 'secrets', (
      SELECT json_group_array(json_object('secret_hash', lower(hex(secret_hash)), 'ends_at', ends_at))
      FROM (SELECT * FROM secrets s WHERE s.token_id = t.token_id ORDER BY secret_id))) AS text
  FROM tokens t LEFT JOIN told ON told.kind = 'token' AND told.id = t.token_id`
const WEBHOOKS = `SELECT webhook_id AS id, content_hash, json_object('kind', 'webhook',
    'webhook_id', webhook_id, 'team', team, 'project_uuid', project_uuid, 'secret', secret,
    'created_at', created_at, 'revoked_at', revoked_at) AS text
  FROM webhooks w LEFT JOIN told ON told.kind = 'webhook' AND told.id = webhook_id`

export class ChangeTable {
  readonly #database: Connection
  readonly #sessions: SessionsTable
  readonly #lists: readonly Statement<[], Row>[]
  readonly #one: Readonly<Record<Tellable['kind'], Statement<[string], Row>>>
  readonly #tell: Statement<[string, string, Buffer]>

  constructor(database: Connection, sessions: SessionsTable) {
    this.#database = database
    this.#sessions = sessions
    this.#lists = [database.prepare(TOKENS), database.prepare(WEBHOOKS)]
    this.#one = {
      token: database.prepare(`${TOKENS} WHERE t.token_id = ?`),
      webhook: database.prepare(`${WEBHOOKS} WHERE w.webhook_id = ?`),
    }
    this.#tell = database.prepare(
      'INSERT OR REPLACE INTO told (kind, id, content_hash) VALUES (?, ?, ?)',
    )
  }

  /** What the others don't know yet of tokens and webhooks, as JSON. */
  untold(): readonly string[] {
    return this.#lists.flatMap((list) =>
      list.all().flatMap(({ text, content_hash }) => (isTold(text, content_hash) ? [] : [text])),
    )
  }

  /** All that is known of tokens and webhooks, as JSON. */
  all(): readonly string[] {
    return this.#lists.flatMap((list) => list.all().map(({ text }) => text))
  }

  /** One that is known, as JSON. */
  textOf(kind: Tellable['kind'], id: string): string {
    return this.#one[kind].get(id)?.text ?? ''
  }

  /** In the caller's transaction. */
  apply(change: HolderChange): void {
    switch (change.kind) {
      case 'token':
        return this.#tellable(change, change.token_id, () => this.#token(change))
      case 'webhook':
        return this.#tellable(change, change.webhook_id, () => this.#webhook(change))
      case 'session':
        return this.#session(change)
      default:
        this.#sessions.end(Buffer.from(change.secret_hash, 'hex'))
    }
  }

  // What was changed here meanwhile is told next, and stands until then; an end stands always.
  #tellable(change: Tellable, id: string, write: () => void): void {
    const read = this.#one[change.kind]
    const own = read.get(id)
    const isUntold = own !== undefined && !isTold(own.text, own.content_hash)
    const isOwn = isUntold && isSameJson(own.text, JSON.stringify(change))
    if (isUntold && !isOwn && change.revoked_at === null) return
    if (!isOwn) write()
    this.#tell.run(change.kind, id, hashOf(read.get(id)?.text ?? ''))
  }

  // Whoever rotated a token without knowing that it was revoked does not bring it back.
  #token({ token_id, team, user, created_at, ttl_ms, revoked_at, secrets }: TokenChange): void {
    const known = this.#database
      .prepare<[string], number | null>('SELECT revoked_at FROM tokens WHERE token_id = ?')
      .pluck()
      .get(token_id)
    const ended = known ?? revoked_at
    this.#database
      .prepare('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)')
      .run(token_id, team, user, created_at, ttl_ms, ended)
    this.#database.prepare('DELETE FROM secrets WHERE token_id = ?').run(token_id)
    if (ended !== null) return
    const insert = this.#database.prepare('INSERT OR REPLACE INTO secrets VALUES (NULL, ?, ?, ?)')
    for (const { secret_hash, ends_at } of secrets) {
      insert.run(Buffer.from(secret_hash, 'hex'), token_id, ends_at)
    }
  }

  #webhook(change: WebhookChange): void {
    const { webhook_id, team, project_uuid, secret, created_at, revoked_at } = change
    const known = this.#database
      .prepare<[string], number | null>('SELECT revoked_at FROM webhooks WHERE webhook_id = ?')
      .pluck()
      .get(webhook_id)
    const ended = known ?? revoked_at
    this.#database
      .prepare('INSERT OR REPLACE INTO webhooks VALUES (?, ?, ?, ?, ?, ?)')
      .run(webhook_id, team, project_uuid, ended === null ? secret : '', created_at, ended)
  }

  #session({ secret_hash, browser_hash, token_hash, ends_at }: SessionChange): void {
    const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
    const hashes = {
      secret_hash: bytes(secret_hash),
      browser_hash: bytes(browser_hash),
      token_hash: bytes(token_hash),
    }
    this.#sessions.add({ ...hashes, ends_at }, Date.now())
  }
}

function isTold(text: string, content_hash: Buffer | null): boolean {
  return content_hash !== null && content_hash.equals(hashOf(text))
}
