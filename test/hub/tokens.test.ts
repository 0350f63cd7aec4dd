import Database from 'better-sqlite3'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { APPLICATION_ID } from '#dist/hub/data/database.js'
import { STEPS } from '#dist/hub/data/schema.js'
import { serveHub } from '#dist/hub/server.js'
import {
  createToken,
  issueToken,
  listTokens,
  revokeToken,
  rotateToken,
} from '#dist/hub/access/tokens.js'
import { verifyLogin } from '#dist/project/login/verify-login.js'
import { run } from '../support/program.ts'
import {
  newCommit,
  newEvent,
  newTicket,
  openLink,
  readAll,
  refusedUpgrade,
  request,
  startHub,
  temporaryFolder,
} from './support.ts'

const statusOf = async (hub: { readonly url: string }, token: string): Promise<number> =>
  (await request(hub, '/api/v1/me', token)).status

describe('a token', () => {
  it('that ends says when to whom it speaks for', async () => {
    const { hub, dataDir } = await startHub()
    const before = Date.now()
    const { token } = issueToken({ dataDir, team: 'acme', user: 'kim', ttlMs: 60_000 })
    const { expires_at } = await verifyLogin({ hub: hub.url, token })
    expect(Date.parse(expires_at ?? '')).toBeGreaterThanOrEqual(before + 60_000)
    expect(Date.parse(expires_at ?? '')).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  it('ends by itself: its sockets are closed with 4401, and it is refused from then on', async () => {
    const { hub, dataDir, token: lasting } = await startHub()
    const { token } = issueToken({ dataDir, team: 'acme', user: 'kim', ttlMs: 400 })
    const [link, other] = await Promise.all([openLink(hub, token), openLink(hub, lasting)])
    expect(await link.end()).toEqual({ code: 4401, reason: 'the token has ended' })
    const { status, body, headers } = await request(hub, '/api/v1/me', token)
    expect([status, body.error?.code]).toEqual([401, 'UNAUTHENTICATED'])
    expect(headers.get('www-authenticate')).toBe('Bearer')
    expect(other.closed).toBeNull()
    expect(listTokens(dataDir).map(({ user, state }) => [user, state])).toEqual(
      expect.arrayContaining([
        ['kim', 'expired'],
        ['sam', 'live'],
      ]),
    )
  })

  it('is revoked while the hub serves, with its sockets and its socket tokens', async () => {
    const { hub, dataDir } = await startHub()
    const { token, token_id } = issueToken({ dataDir, team: 'acme', user: 'kim' })
    const link = await openLink(hub, token)
    const { ws_token = '', ws_url = '' } = await newTicket(hub, token)
    const started = performance.now()
    expect(revokeToken(dataDir, token_id)).toMatchObject({ state: 'revoked' })
    expect(await statusOf(hub, token)).toBe(401)
    const upgrade = await refusedUpgrade(ws_url, { Authorization: `Bearer ${ws_token}` })
    expect(upgrade).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
    expect(await link.end()).toMatchObject({ code: 4401 })
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(revokeToken(dataDir, token_id)).toMatchObject({ state: 'revoked' })
  })

  it('is rotated: the old secret ends at once, or after the grace, and no third one is left', async () => {
    const { hub, dataDir } = await startHub()
    const first = issueToken({ dataDir, team: 'acme', user: 'kim', ttlMs: 60_000 })
    const link = await openLink(hub, first.token)
    const second = rotateToken(dataDir, first.token_id, 0)
    expect(await statusOf(hub, first.token)).toBe(401)
    expect(await statusOf(hub, second.token)).toBe(200)
    expect(await link.end()).toMatchObject({ code: 4401 })
    const kept = await openLink(hub, second.token)
    const third = rotateToken(dataDir, first.token_id, 30_000)
    expect(await statusOf(hub, second.token)).toBe(200)
    const [, { old_secret_ends_at, ends_at } = {}] = listTokens(dataDir).toSorted((a, b) =>
      a.user < b.user ? 1 : -1,
    )
    expect(Number(ends_at) - Number(old_secret_ends_at)).toBe(30_000)
    expect(third.ends_at).toBe(ends_at)
    const fourth = rotateToken(dataDir, first.token_id, 30_000)
    const statuses = [first, second, third, fourth].map(({ token }) => statusOf(hub, token))
    expect(await Promise.all(statuses)).toEqual([401, 401, 200, 200])
    expect(await kept.end()).toMatchObject({ code: 4401 })
    // The bounds of a token are its own, whichever secret is used.
    expect(new Set([first, second, third, fourth].map(({ token_id }) => token_id)).size).toBe(1)
  })

  it('that is unknown or revoked is not rotated', () => {
    const dataDir = temporaryFolder()
    const { token_id } = issueToken({ dataDir, team: 'acme', user: 'kim' })
    revokeToken(dataDir, token_id)
    const codeOf = (act: () => unknown): unknown => {
      try {
        return act()
      } catch (error) {
        return (error as { code: unknown }).code
      }
    }
    expect(codeOf(() => rotateToken(dataDir, token_id, 0))).toBe('HUB_TOKEN_REVOKED')
    expect(codeOf(() => rotateToken(dataDir, 'tok_0', 0))).toBe('HUB_TOKEN_UNKNOWN')
    expect(codeOf(() => revokeToken(dataDir, 'tok_0'))).toBe('HUB_TOKEN_UNKNOWN')
    const nowhere = join(dataDir, 'nowhere')
    expect(codeOf(() => listTokens(nowhere))).toBe('HUB_DATA_MISSING')
    expect(readdirSync(dataDir)).not.toContain('nowhere')
  })
})

describe('the commands', () => {
  it('manage tokens of a hub that serves in another process, and show each secret once', async () => {
    const { hub, dataDir } = await startHub()
    const place = { cwd: dataDir, env: process.env }
    const command = async (...args: string[]) => {
      const { code, document, err } = await run(place, ['hub', 'token', ...args, '--data', dataDir])
      return { code, document, err }
    }
    const who = ['--team', 'coast', '--user', 'kim']
    const created = await command('create', ...who, '--ttl', '30d', '--out', 'secret')
    const file = join(dataDir, 'secret')
    const secret = readFileSync(file, 'utf8')
    expect(secret).toMatch(/^kwk_[A-Za-z0-9_-]{43}\n$/)
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    const { token_id, ends_at } = created.document
    expect(created.document).toEqual({ ok: true, token_id, ends_at, file })
    const days = (Date.parse(String(ends_at)) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(30, 1)
    expect(await statusOf(hub, secret.trim())).toBe(200)

    const [again, rotated] = await Promise.all([
      command('create', ...who, '--out', 'secret'),
      command('rotate', String(token_id)),
    ])
    expect([again.code, again.document.error?.code]).toEqual([2, 'OUT_UNWRITABLE'])
    expect(readFileSync(file, 'utf8')).toBe(secret)
    expect(await statusOf(hub, secret.trim())).toBe(401)
    const link = await openLink(hub, String(rotated.document['token']))

    const [list, bad] = await Promise.all([
      command('list'),
      command('create', ...who, '--ttl', 'soon'),
    ])
    expect(list.document['tokens']).toEqual([
      expect.objectContaining({ user: 'sam', state: 'live', ends_at: null }),
      expect.objectContaining({ token_id, team: 'coast', user: 'kim', state: 'live' }),
    ])
    expect(JSON.stringify(list)).not.toContain('kwk_')
    expect([bad.code, bad.document.error?.code]).toEqual([2, 'DURATION_INVALID'])

    expect((await command('revoke', String(token_id))).document).toMatchObject({ state: 'revoked' })
    expect(await link.end()).toMatchObject({ code: 4401 })
  })
})

describe('data of the first schema', () => {
  /** As the first version wrote it. */
  function oldData(): { dataDir: string; token: string; events: ReturnType<typeof newEvent>[] } {
    const dataDir = temporaryFolder()
    const database = new Database(join(dataDir, 'hub.db'))
    database.pragma('journal_mode = WAL')
    database.exec(STEPS[0] ?? '')
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma('user_version = 1')
    const token = `kwk_${randomBytes(32).toString('base64url')}`
    const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
    database.prepare('INSERT INTO tokens VALUES (?, ?, ?, ?)').run(hash(token), 'acme', 'sam', 1)
    const project_uuid = newEvent().project_uuid
    const events = Array.from({ length: 3 }, () => newEvent({ project_uuid }))
    const insert = database.prepare(
      `INSERT INTO events (team, event_id, project_uuid, node_id, lamport_clock, content_hash,
         received_at, body) VALUES ('acme', ?, ?, 'n', 1, ?, 1, ?)`,
    )
    for (const event of [...events, newEvent()]) {
      const body = JSON.stringify(event)
      insert.run(event.event_id, event.project_uuid, hash(body), body)
    }
    const commit = JSON.stringify(newCommit({ project_uuid }))
    database
      .prepare(
        `INSERT INTO commits (team, project_uuid, git_hash, content_hash, received_at, body)
         VALUES ('acme', ?, 'h', ?, 1, ?)`,
      )
      .run(project_uuid, hash(commit), commit)
    database.close()
    return { dataDir, token, events }
  }

  it('is taken over: its tokens go on, its rows are numbered, nothing is lost', async () => {
    const { dataDir, token, events } = oldData()
    const { hub } = await startHub({ dataDir })
    const project_uuid = events[0]?.project_uuid ?? ''
    expect((await request(hub, '/api/v1/me', token)).body).toEqual({
      team_slug: 'acme',
      user: 'sam',
      expires_at: null,
    })
    expect((await readAll(hub, token, project_uuid)).map(({ event }) => event)).toEqual(events)
    const link = await openLink(hub, token)
    link.send(JSON.stringify({ type: 'subscribe', project_uuid }))
    expect(await link.next()).toMatchObject({ type: 'subscribed', seq: 4 })
    const { verifyHub } = await import('#dist/hub/upkeep/verify.js')
    expect(verifyHub(dataDir)).toMatchObject({ sound: true, events: 4, commits: 1 })
  })

  it('is not changed by a command while an older hub serves it', async () => {
    const { dataDir } = oldData()
    const lock = new Database(join(dataDir, 'hub.lock'))
    lock.exec('BEGIN EXCLUSIVE')
    expect(() => createToken({ dataDir, team: 'acme', user: 'kim' })).toThrow(
      expect.objectContaining({ code: 'HUB_DATA_IN_USE' }),
    )
    const database = new Database(join(dataDir, 'hub.db'))
    expect(database.pragma('user_version', { simple: true })).toBe(1)
    database.close()
    lock.close()
    expect(createToken({ dataDir, team: 'acme', user: 'kim' })).toMatch(/^kwk_/)
    await (await serveHub({ dataDir })).stop()
  })
})
