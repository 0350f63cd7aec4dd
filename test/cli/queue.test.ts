/** The commands that look at the outbox and change it, run in this process over a store in each of its states. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCli } from '#dist/cli/run.js'
import { initProject } from '#dist/project/init.js'
import { writeLogin } from '#dist/project/login/login.js'
import { outboxPath } from '#dist/project/state-directory.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { GitRepository } from '../support/git-repository.ts'
import { HUB, NODE, append, claimedIds, idOf, refused } from '../support/store-fixtures.ts'
import { eventOf, serialized } from '../support/store-fixtures.ts'

const cli = createCli()
let repository: GitRepository
let outbox: Outbox
let home: string | undefined
let uuid: string

beforeAll(async () => {
  repository = GitRepository.withCommit(['-b', 'main'])
  const { identity } = await initProject(repository.root)
  uuid = identity.uuid
  home = process.env['KITTIWAKE_HOME']
  const state = join(repository.root, '.state')
  process.env['KITTIWAKE_HOME'] = state
  writeLogin(state, { hub: HUB.origin, token: 'a-token-of-some-length', team_slug: HUB.team })
  const path = outboxPath(state, uuid)
  outbox = Outbox.open({ path, owner: { kind: 'project', uuid }, nodeId: NODE, now: () => 1_000 })
  fill()
})
afterAll(() => {
  outbox.close()
  if (home === undefined) delete process.env['KITTIWAKE_HOME']
  else process.env['KITTIWAKE_HOME'] = home
  repository.remove()
})

/** 1 is held, 2 is delivered, 3 and 4 are refused, 5 waits. */
function fill(): void {
  record(1)
  outbox.grantConsent(true)
  outbox.target(HUB)
  record(2, 3, 4, 5)
  claimedIds(outbox, 3)
  outbox.settle([idOf(2)], [...refused('invalid_event', 3), ...refused('too_large', 4)])
}

function record(...numbers: readonly number[]) {
  append(outbox, ...numbers.map((number) => serialized(eventOf(number, { project_uuid: uuid }))))
}

async function run(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await cli.run([...args], {
    env: process.env,
    stdin: process.stdin,
    colorDepth: 1,
    cwd: repository.root,
    signal: new AbortController().signal,
    stdout: into(out),
    stderr: into(err),
  })
  return { code, out: out.join(''), err: err.join('') }
}

function into(parts: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      parts.push(chunk.toString('utf8'))
      done()
    },
  })
}

async function ok(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await run(...args, '--json')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as Record<string, unknown>
}

async function codeOf(...args: readonly string[]) {
  const { code, out } = await run(...args, '--json')
  const { error } = JSON.parse(out) as { error: { code: string; hint: string | null } }
  expect(error.hint).not.toBe('')
  return [code, error.code]
}

describe('the commands that look', () => {
  it('queue stats: by state and reason, and how full it is', async () => {
    expect(await ok('queue', 'stats')).toEqual({
      ok: true,
      counts: { pending: 1, inflight: 0, delivered: 1, quarantined: 2, held: 1, superseded: 0 },
      reasons: { invalid_event: 1, too_large: 1 },
      removed: 0,
      capacity: 1_000_000,
      undelivered: 2,
      nearly_full: false,
      oldest_age_ms: expect.any(Number) as number,
    })
  })

  it('queue show: one event, and what became of it', async () => {
    const shown = await ok('queue', 'show', idOf(3))
    expect(shown).toMatchObject({
      event_id: idOf(3),
      state: 'quarantined',
      reason: 'invalid_event',
    })
    expect(shown).toMatchObject({ attempts: 1, event: { payload: { number: 3 } } })
    expect((await run('queue', 'show', idOf(3))).out).toContain('quarantined (invalid_event)')
    expect(await codeOf('queue', 'show', 'nothing')).toEqual([1, 'EVENT_UNKNOWN'])
  })

  it('queue export: a document a line, into a new file of this user alone', async () => {
    const file = join(repository.root, 'export.jsonl')
    expect(await ok('queue', 'export', '--out', 'export.jsonl')).toEqual({ ok: true, count: 5 })
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { state: string }).state)).toEqual([
      'held',
      'delivered',
      'quarantined',
      'quarantined',
      'pending',
    ])
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    // As other commands read events.
    await ok('queue', 'export', '--bare', '--out', 'bare.jsonl')
    const bare = readFileSync(join(repository.root, 'bare.jsonl'), 'utf8').trim().split('\n')
    expect(bare.map((line) => JSON.parse(line) as object)).toEqual(
      lines.map((line) => (JSON.parse(line) as { event: object }).event),
    )
    expect(await codeOf('queue', 'export', '--out', 'export.jsonl')).toEqual([1, 'EXPORT_EXISTS'])
    expect(await codeOf('queue', 'export', '--out', 'no/where')).toEqual([1, 'EXPORT_WRITE'])
    expect(await codeOf('queue', 'export')).toEqual([2, 'OUT_MISSING'])
    const { out } = await run('queue', 'export', '--state', 'pending')
    expect(JSON.parse(out)).toMatchObject({ event_id: idOf(5), state: 'pending' })
  })

  it('sync status: the counts and the one thing to do, as the next claim would see it', async () => {
    const { code, out } = await run('sync', 'status', '--check', '--json')
    expect(code).toBe(8)
    expect(JSON.parse(out)).toMatchObject({
      events: { pending: 1, quarantined: 2, held: 1 },
      reasons: { invalid_event: 1, too_large: 1 },
      reason: 'rejected',
      advice: expect.stringContaining('kittiwake queue retry') as string,
      coherent: true,
      last_ack_at: '1970-01-01T00:00:01.000Z',
      connection: null,
    })
  })

  it('sync status: the link as its holder says', async () => {
    const news = { connection: 'backingOff', reason: 'HUB_UNREACHABLE', next_try_at: 5_000 }
    const holder = Outbox.open({
      path: outboxPath(process.env['KITTIWAKE_HOME'] ?? '', uuid),
      owner: { kind: 'project', uuid },
      nodeId: NODE,
    })
    holder.publishLink({ state: 'down', ...news })
    holder.close()
    expect((await ok('sync', 'status'))['connection']).toEqual({
      state: 'backingOff',
      reason: 'HUB_UNREACHABLE',
      next_try_at: '1970-01-01T00:00:05.000Z',
    })
  })
})

describe('the commands that change', () => {
  it('queue retry: says it first, and refuses where nothing or too much is named', async () => {
    expect(await codeOf('queue', 'retry')).toEqual([2, 'SELECTION_MISSING'])
    expect(await codeOf('queue', 'retry', idOf(3), '--all')).toEqual([2, 'SELECTION_MISSING'])
    const dry = await ok('queue', 'retry', '--reason', 'too_large')
    expect(dry).toEqual({ ok: true, dry_run: true, count: 1 })
    expect(outbox.counts().quarantined).toBe(2)
    expect(await ok('queue', 'retry', idOf(4), '--yes')).toMatchObject({ dry_run: false, count: 1 })
    expect(outbox.counts()).toMatchObject({ quarantined: 1, pending: 2 })
  })

  it('queue retry: says which of the named events are not there, and puts the others back', async () => {
    const [unknown, other] = [idOf(77), idOf(78)]
    expect(await codeOf('queue', 'retry', unknown)).toEqual([1, 'EVENT_UNKNOWN'])
    expect(await codeOf('queue', 'retry', unknown, other, '--yes')).toEqual([1, 'EVENT_UNKNOWN'])
    expect(await codeOf('queue', 'retry', 'not-an-id', '--yes')).toEqual([1, 'EVENT_UNKNOWN'])
    expect(outbox.counts()).toMatchObject({ quarantined: 1, pending: 2 })

    const mixed = ['queue', 'retry', unknown, 'my-secret', idOf(3).toLowerCase(), idOf(2)]
    const { code, out } = await run(...mixed, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({
      ok: true,
      dry_run: true,
      count: 1,
      unchanged: [{ event_id: idOf(2), state: 'delivered' }],
      unknown: [unknown, '(not an event id)'],
    })
    expect((await run(...mixed)).out).toBe(
      '1 refused event would be sent again. Do it with `--yes`.\n' +
        `${idOf(2)} stays delivered.\n` +
        `Not in the outbox: ${unknown}, (not an event id).\n`,
    )
    // What is there already is nothing to complain of.
    expect(await ok('queue', 'retry', idOf(2), '--yes')).toMatchObject({ count: 0, unknown: [] })

    expect((await run(...mixed, '--yes')).code).toBe(1)
    expect(outbox.counts()).toMatchObject({ quarantined: 0, pending: 3 })
    claimedIds(outbox, 1)
    outbox.settle([], refused('invalid_event', 3))
  })

  it('sync import-history: shows, then releases exactly that', async () => {
    const shown = await ok('sync', 'import-history', '--dry-run')
    expect(shown).toMatchObject({ released: false, count: 1, oldest: '1970-01-01T00:00:01.000Z' })
    expect(shown).toMatchObject({ types: { WPStatusChanged: 1 } })
    const hash = String(shown['hash'])
    const wrong = hash.replace(/^./, hash.startsWith('0') ? '1' : '0')
    const command = ['sync', 'import-history', '--confirm']
    expect(await codeOf(...command, 'x')).toEqual([2, 'CONFIRM_INVALID'])
    expect(await codeOf(...command, wrong)).toEqual([1, 'HISTORY_CHANGED'])
    expect(outbox.counts().held).toBe(1)
    expect(await ok(...command, hash)).toMatchObject({ released: true, count: 1, hash })
    expect(outbox.counts()).toMatchObject({ held: 0, pending: 3 })
  })

  it('queue gc: keeps the ids of what every hub has', async () => {
    expect(await codeOf('queue', 'gc', '--older-than', 'soon')).toEqual([2, 'DURATION_INVALID'])
    expect(await ok('queue', 'gc')).toMatchObject({ dry_run: true, count: 1 })
    expect(await ok('queue', 'gc', '--yes')).toMatchObject({ dry_run: false, count: 1 })
    expect(await ok('queue', 'stats')).toMatchObject({ removed: 1, counts: { delivered: 0 } })
  })

  it('queue purge: removes what was refused, and nothing that waits', async () => {
    expect(await codeOf('queue', 'purge', '--state', 'held')).toEqual([2, 'STATE_UNKNOWN'])
    expect(await ok('queue', 'purge')).toMatchObject({ dry_run: true, count: 1 })
    expect(await ok('queue', 'purge', '--yes')).toMatchObject({ dry_run: false, count: 1 })
    expect(outbox.counts()).toMatchObject({ pending: 3, quarantined: 0 })
  })

  it('queue retry, purge and gc: say that the outbox can not be reached, and not that nothing was there', async () => {
    const state = process.env['KITTIWAKE_HOME']
    process.env['KITTIWAKE_HOME'] = join(repository.root, '.git', 'HEAD')
    try {
      for (const args of [['retry', '--all'], ['purge'], ['gc']]) {
        expect(await codeOf('queue', ...args, '--yes')).toEqual([1, 'OUTBOX_UNREACHABLE'])
      }
    } finally {
      process.env['KITTIWAKE_HOME'] = state
    }
  })

  it.each([
    ['a file', (root: string) => join(root, '.git', 'HEAD')],
    ['a folder in a file', (root: string) => join(root, '.git', 'HEAD', 'state')],
    ['too long a name', (root: string) => join(root, 'long'.repeat(75))],
  ])(
    'focus and auth: say that %s is no state directory, and not that nothing was there',
    async (_, place) => {
      const state = process.env['KITTIWAKE_HOME']
      process.env['KITTIWAKE_HOME'] = place(repository.root)
      try {
        for (const words of [
          'focus',
          'auth status',
          'auth whoami',
          'auth logout',
          'emit X --payload {}',
        ]) {
          expect(await codeOf(...words.split(' ')), words).toEqual([1, 'STATE_UNREACHABLE'])
        }
      } finally {
        process.env['KITTIWAKE_HOME'] = state
      }
    },
  )

  it('sync purge: all of the project, said first', async () => {
    const dry = await ok('sync', 'purge')
    expect(dry).toMatchObject({ dry_run: true, project_uuid: uuid, purged: false })
    expect(dry).toMatchObject({ consent: 'granted', counts: { pending: 3 } })
    expect(await codeOf('sync', 'purge', '--project', 'x')).toEqual([2, 'PROJECT_INVALID'])
    expect(await ok('sync', 'purge', '--yes')).toMatchObject({ dry_run: false, purged: true })
    expect(await ok('queue', 'stats')).toMatchObject({ counts: { pending: 0 } })
    expect(await ok('sync', 'status')).toMatchObject({ consent: 'absent' })
  })

  it('sync opt-in and opt-out: say what was recorded, in numbers, and nothing that was not done', async () => {
    outbox.close()
    const path = outboxPath(process.env['KITTIWAKE_HOME'] ?? '', uuid)
    outbox = Outbox.open({ path, owner: { kind: 'project', uuid }, nodeId: NODE })
    record(11, 12)
    const granted = await run('sync', 'opt-in')
    expect(granted.out).toBe(
      'Consent recorded; 2 events recorded before are covered, 0 stay here.\n',
    )
    expect(outbox.counts()).toMatchObject({ pending: 2, held: 0 })
    const refusal = await run('sync', 'opt-out')
    expect(refusal.out).toBe('Consent withdrawn; 2 undelivered events stay here.\n')
    expect(outbox.counts()).toMatchObject({ pending: 0, held: 2 })
    const report = await run('sync', 'now')
    expect(report.out).toBe(
      'Delivered 0 events and 0 commits; 2 events stay (no_consent).\nRun `kittiwake sync opt-in`.\n',
    )
  })
})
