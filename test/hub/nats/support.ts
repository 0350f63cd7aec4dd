/** Hubs that share a log, on a real nats-server with a store folder of its own. */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { Announcer } from '#dist/hub/announcer.js'
import type { HubBackend } from '#dist/hub/backend.js'
import type { Entry, Outcome, Sender } from '#dist/hub/entries.js'
import { Metrics } from '#dist/hub/metrics.js'
import { NatsBackend } from '#dist/hub/nats/nats-backend.js'
import { SqliteBackend } from '#dist/hub/sqlite-backend.js'
import { HubStore } from '#dist/hub/data/store.js'
import { NatsProcess } from '../../../scripts/nats-process.mjs'
import { findNatsServer } from '../../../scripts/nats-server.mjs'
import { newUlid, temporaryFolder } from '../support.ts'

/** Describes what needs a nats-server; where there is none it is skipped, and says so. */
export function describeNats(name: string, body: () => void): void {
  const isThere = findNatsServer() !== null
  if (!isThere && process.env['REQUIRE_SHARED'] === '1') throw new Error('no nats-server here')
  if (!isThere) console.warn(`skipped, since there is no nats-server: ${name}`)
  describe.skipIf(!isThere)(name, body)
}

export async function startNats(args: readonly string[] = []): Promise<NatsProcess> {
  const program = findNatsServer() ?? ''
  const server = await NatsProcess.start({ program, folder: temporaryFolder(), args: [...args] })
  onTestFinished(() => server.kill())
  return server
}

/** What a server's disk has of the stream now, to be put back later. The server is stopped meanwhile. */
export async function keepDisk(server: NatsProcess): Promise<{ putBack: () => Promise<void> }> {
  const copy = join(temporaryFolder(), 'copy')
  await server.kill('SIGTERM')
  cpSync(server.folder, copy, { recursive: true })
  await server.start()
  return {
    putBack: async () => {
      await server.kill()
      rmSync(server.folder, { recursive: true, force: true })
      cpSync(copy, server.folder, { recursive: true })
      await server.start()
    },
  }
}

export type TestBackend = {
  readonly store: HubStore
  readonly backend: HubBackend
  readonly dataDir: string
  readonly sender: Sender
  /** What was shown, in order. */
  readonly shown: { readonly entry: Entry; readonly seq: number; readonly isOwn: boolean }[]
  /** How often peers were sent away. */
  restarts: number
  append(...entries: readonly Entry[]): Promise<readonly Outcome[]>
  close(): Promise<void>
}

/** A backend alone, with what it shows. */
export async function startBackend(
  server: NatsProcess | null,
  dataDir: string = temporaryFolder(),
): Promise<TestBackend> {
  const store = new HubStore(dataDir, server === null ? 'own' : 'shared')
  const shown: TestBackend['shown'] = []
  const announcer = new Announcer({
    publisher: () => (entry, seq, sender) => {
      shown.push({ entry, seq, isOwn: sender !== null })
    },
    tell: () => {},
  })
  const metrics = new Metrics()
  const options = { store, dataDir, announcer, metrics, log: () => {} }
  let isClosed = false
  const one: TestBackend = {
    store,
    dataDir,
    shown,
    sender: newSender(),
    restarts: 0,
    backend:
      server === null
        ? new SqliteBackend(options)
        : new NatsBackend({
            ...options,
            nats: { servers: server.url },
            restart: () => {
              one.restarts += 1
            },
          }),
    append: async (...entries) => {
      const senders = entries.map(() => one.sender)
      return one.backend.append({ entries, senders })
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      await one.backend.close()
      store.close()
    },
  }
  onTestFinished(() => one.close())
  if (one.backend instanceof NatsBackend) await one.backend.start()
  return one
}

function newSender(): Sender {
  return { team: 'acme', pause: () => {}, resume: () => {}, flush: () => {}, fail: () => {} }
}

export const PROJECT = '0b9b1ee4-21b9-4f7e-9d25-6c7f7f3f4d1c'

export function eventEntry(note = 'x', event_id = newUlid()): Entry & { kind: 'event' } {
  const body = JSON.stringify({ event_id, payload: { note } })
  const ids = { team: 'acme', project_uuid: PROJECT, event_id, node_id: 'n', lamport_clock: 1 }
  return { kind: 'event', ...ids, body }
}

export function commitEntry(git_hash: string, mission_id = 'M1'): Entry & { kind: 'commit' } {
  const body = JSON.stringify({ type: 'LocalCommit', git_hash, mission_id })
  return { kind: 'commit', team: 'acme', project_uuid: PROJECT, git_hash, user: 'sam', body }
}

export function linesEntry(git_hash: string, note = 'x'): Entry & { kind: 'lines' } {
  const rows = [{ line: 1, key: note, body: JSON.stringify({ note }) }]
  const about = { mission: 'login', mission_id: null, ledger: 'status', history: false } as const
  const whose = { team: 'acme', project_uuid: PROJECT, project_slug: 'pier' }
  return { kind: 'lines', ...whose, git_hash, ...about, rows }
}

export function pushedEntry(...hashes: readonly string[]): Entry & { kind: 'pushed' } {
  return { kind: 'pushed', team: 'acme', project_uuid: PROJECT, hashes }
}

/** The files that hold a text, as it is or as the log has it. */
export function filesWith(text: string, ...folders: readonly string[]): readonly string[] {
  const bytes = [Buffer.from(text), Buffer.from(encodeURI(text))]
  return folders.flatMap(filesOf).filter((path) => {
    const content = readFileSync(path)
    return bytes.some((one) => content.includes(one))
  })
}

export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** All that a store shows of the project, with its numbers. */
export function contentOf({ store }: Pick<TestBackend, 'store'>): object {
  const project = store.project('acme', PROJECT)
  const project_id = project?.project_id ?? -1
  const all = { rowsMax: 100_000, bytesMax: Number.MAX_SAFE_INTEGER }
  const page = { project_id, after: 0, limit: 100_000 }
  return {
    head: project?.head,
    name: store.projects.ofTeam('acme').find(({ project_uuid }) => project_uuid === PROJECT)?.slug,
    epoch: store.epoch.id,
    feed: store.feed(project_id, 0, all),
    events: store.page('events', page).rows,
    commits: store.page('commits', page).rows,
    lines: store.lines.read(project_id, 'status', null).lines,
  }
}

/** As `contentOf`, without the epoch and the numbers that go with it, which stand beside those of the project. */
export function rowsOf(one: TestBackend): object {
  type Numbered = { readonly seq: number }[]
  const content = contentOf(one) as { epoch: string; events: Numbered; commits: Numbered }
  const { epoch: _epoch, events, commits, ...rows } = content
  const bare = (numbered: Numbered) => numbered.map(({ seq: _seq, ...row }) => row)
  return { ...rows, events: bare(events), commits: bare(commits) }
}
