/** Where deletion, retention, bases, lost tails and late hubs meet. */
import { randomBytes } from 'node:crypto'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished, vi } from 'vitest'
import { headOf, makeBase } from '#dist/hub/nats/base.js'
import { openNats, STREAM } from '#dist/hub/nats/connect.js'
import type { Nats } from '#dist/hub/nats/connect.js'
import { deleteShared } from '#dist/hub/nats/delete-shared.js'
import { migrateToNats } from '#dist/hub/nats/migrate.js'
import { SharedKeeper, retainShared } from '#dist/hub/nats/retain-shared.js'
import type { NatsProcess } from '../../../scripts/nats-process.mjs'
import { Program, run } from '../../support/program.ts'
import { temporaryFolder } from '../support.ts'
import {
  contentOf,
  describeNats,
  eventEntry,
  filesWith,
  startBackend,
  startNats,
} from './support.ts'
import type { TestBackend } from './support.ts'

const OTHER_PROJECT = '11111111-2222-4333-8444-555555555555'

async function open(server: NatsProcess): Promise<Nats> {
  const nats = await openNats({ servers: server.url })
  onTestFinished(() => nats.connection.close())
  return nats
}

/** Of all projects, what came before a time. */
function retain(server: NatsProcess, before: number) {
  return retainShared({ nats: { servers: server.url }, before, project: null, isDryRun: false })
}

function elsewhere(note: string, event_id?: string): ReturnType<typeof eventEntry> {
  return { ...eventEntry(note, event_id), project_uuid: OTHER_PROJECT }
}

async function agree(first: TestBackend, ...others: readonly TestBackend[]): Promise<void> {
  await vi.waitFor(() => {
    for (const other of others) expect(contentOf(other)).toEqual(contentOf(first))
  }, 10_000)
}

describeNats('a base', () => {
  it('never gives way to one that says less, since the log between them is erased', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('first'))
    const slow = await startBackend(server)
    await slow.close()
    await one.append(eventEntry('between'), eventEntry('between'))
    const nats = await open(server)
    expect(await makeBase(nats, { dataDir: one.dataDir, scrub: false })).toBe(true)
    const head = await headOf(nats)
    expect(await makeBase(nats, { dataDir: slow.dataDir, scrub: false })).toBe(false)
    expect(await headOf(nats)).toEqual(head)
    await agree(one, await startBackend(server))
  })

  it('is made by one command after the other, however many are given at once', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(elsewhere('x'), ...Array.from({ length: 300 }, () => eventEntry('x')))
    await retain(server, 0)
    let isOver = false
    const working = (async (): Promise<void> => {
      while (!isOver) await one.append(eventEntry('meanwhile'))
    })()
    try {
      await Promise.all([
        deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT),
        retain(server, 0),
        retain(server, 0),
        deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT),
      ])
    } finally {
      isOver = true
      await working
    }
    await agree(one, await startBackend(server))
    expect((await headOf(await open(server)))?.place.seq).toBeGreaterThan(1)
  })
})

describeNats('hubs that keep so many days', () => {
  /** Once, as each hour. */
  async function look(nats: Nats, one: TestBackend): Promise<void> {
    const ending = new AbortController()
    const keeper = new SharedKeeper({
      dataDir: one.dataDir,
      keepMs: 0,
      baseAgeMs: 60_000,
      log: () => ending.abort(),
      record: async (change) => one.backend.shared?.record(change),
    })
    await keeper.attach(nats, ending.signal)
  }

  it('make a base anew that holds what was deleted, where the deletion was ended, or that a wrong clock made', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('old'), elsewhere('x'))
    await retain(server, 0)
    const nats = await open(server)
    const idOf = async (): Promise<string> => (await headOf(nats))?.base_id ?? ''
    const first = await idOf()
    const deletion = { kind: 'deletion', team: 'acme', project_uuid: OTHER_PROJECT } as const
    await one.backend.shared?.record(deletion)
    await look(nats, one)
    const second = await idOf()
    expect(second).not.toBe(first)
    await look(nats, one)
    expect(await idOf()).toBe(second)
    const head = { ...(await headOf(nats)), made_at: Date.now() + 1e12 }
    await nats.jetstream.publish('base.head', JSON.stringify(head))
    await look(nats, one)
    expect(await idOf()).not.toBe(second)
    await agree(one, await startBackend(server))
  })
})

describeNats('an id that stands in another project', () => {
  it('is refused at all hubs alike, also at one that comes when the first project is deleted', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    const [first, both] = [elsewhere('first'), elsewhere('both')]
    await one.append(first)
    const outcomes = [
      ...(await one.append(eventEntry('second', first.event_id))),
      ...(await one.append(both, eventEntry('second', both.event_id), eventEntry('fine'))),
    ]
    expect(outcomes.map(({ verdict, seq }) => [verdict, seq])).toEqual([
      ['conflict', 0],
      ['accepted', 2],
      ['conflict', 0],
      ['accepted', 1],
    ])
    await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
    const late = await startBackend(server)
    const again = await late.append(eventEntry('now', first.event_id))
    expect(again.map(({ verdict, seq }) => [verdict, seq])).toEqual([['accepted', 2]])
    await agree(one, late)
  })
})

describeNats('what is longer than a message may be', () => {
  it('is not stored, and holds up nobody else; what fits is in a base, too', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    // Noise can't be deflated; a server takes 1 MiB unless told otherwise.
    const noise = (bytes: number) => randomBytes(bytes).toString('base64')
    await one.append(eventEntry(noise(150_000)))
    const [long, longest] = [eventEntry(noise(1_030_000)), eventEntry(noise(1_100_000))]
    const all = await Promise.all([one.append(longest), one.append(long), one.append(eventEntry())])
    expect(all.flat().map(({ verdict }) => verdict)).toEqual(['unstored', 'accepted', 'accepted'])
    expect(one.backend.state).toBe('ready')
    await retain(server, 0)
    await agree(one, await startBackend(server))
  })

  it('is not moved to such a server', async () => {
    const [server, own] = [await startNats(), await startBackend(null)]
    await own.append(eventEntry(randomBytes(1_100_000).toString('base64')))
    await own.close()
    const nats = { servers: server.url }
    await expect(migrateToNats({ dataDir: own.dataDir, nats })).rejects.toMatchObject({
      code: 'NATS_MESSAGE_TOO_LARGE',
    })
  })
})

describeNats('a deletion', () => {
  it('is in no file of a hub, also where somebody read just then, and no restart is needed', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(...Array.from({ length: 50 }, () => elsewhere('samphire-canary')))
    await one.append(eventEntry('stays'))
    // As a backup does.
    const reader = new Database(join(one.dataDir, 'hub.db'))
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM events').get()
    await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
    await one.append(eventEntry('next'))
    expect(one.store.project('acme', OTHER_PROJECT)?.forgotten).toBeGreaterThan(0)
    expect(filesWith('samphire-canary', one.dataDir)).not.toEqual([])
    reader.close()
    await vi.waitFor(async () => {
      await one.backend.shared?.tell()
      expect(filesWith('samphire-canary', one.dataDir)).toEqual([])
    }, 10_000)
    await one.append(eventEntry('last'))
    expect(contentOf(one)).toMatchObject({ head: 3 })
  })

  it('is refused where no hub was, and leaves the stream as it is', async () => {
    const server = await startNats()
    await expect(
      deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT),
    ).rejects.toMatchObject({ code: 'HUB_STREAM_EMPTY' })
    const { state } = await (await open(server)).manager.streams.info(STREAM)
    expect(state.last_seq).toBe(0)
  })
})

describeNats('a copy of the log that a command makes', () => {
  it('goes with the next command where it was killed, and stays while it is worked on', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    for (let n = 0; n < 8; n++) {
      await one.append(...Array.from({ length: 500 }, () => eventEntry('x'.repeat(400))))
    }
    const folder = temporaryFolder()
    const place = { cwd: folder, env: { ...process.env, TMPDIR: folder } }
    const words = ['hub', 'retain', '--nats', server.url, '--keep-days', '1']
    const copies = (): readonly string[] =>
      readdirSync(folder).filter((name) => name.startsWith('kittiwake-copy-'))
    const copyOf = ({ child }: Program): string | undefined =>
      copies().find((name) => name.startsWith(`kittiwake-copy-${child.pid}-`))
    const begin = async (): Promise<Program> => {
      const program = new Program(place, words)
      onTestFinished(() => void program.child.kill('SIGKILL'))
      const looks = { interval: 1, timeout: 20_000 }
      await vi.waitFor(() => expect(copyOf(program)).toBeDefined(), looks)
      return program
    }
    const killed = await begin()
    await killed.end('SIGKILL')
    const left = copyOf(killed)
    expect(left).toBeDefined()
    const working = await begin()
    working.child.kill('SIGSTOP')
    expect(copies()).not.toContain(left)
    // A file that is nobody's copy, and a link to what is another's.
    writeFileSync(join(folder, 'kittiwake-copy-x'), '')
    symlinkSync(one.dataDir, join(folder, `kittiwake-copy-${killed.child.pid}-x`))
    expect((await run(place, words)).code).toBe(0)
    expect(copies()).toContain(copyOf(working))
    working.child.kill('SIGCONT')
    expect(await working.ended).toBe(0)
    expect(copies()).toHaveLength(2)
    expect(readdirSync(one.dataDir)).toContain('hub.db')
  })
})
