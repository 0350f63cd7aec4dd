import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

type Import = { readonly from: string; readonly to: string; readonly isType: boolean }

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))

/** Each may import from itself and from what stands to its right. `door` is what stands in src/ itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'background',
    'inspect',
    'door',
    'hub',
    'actors',
    'workers',
    'protocols',
    'events',
    'contracts',
    'project',
    'errors',
  ],
  background: ['door', 'inspect', 'actors', 'workers', 'contracts', 'project', 'errors'],
  door: ['inspect', 'actors', 'workers', 'protocols', 'events', 'contracts', 'project', 'errors'],
  inspect: ['page', 'actors', 'workers', 'protocols', 'events', 'contracts', 'project', 'errors'],
  hub: ['page', 'contracts', 'project', 'errors'],
  actors: ['protocols', 'contracts', 'events', 'project', 'errors'],
  workers: ['protocols', 'events', 'contracts', 'project', 'errors'],
  protocols: ['events', 'contracts', 'project', 'errors'],
  project: ['contracts', 'errors'],
  events: ['project', 'contracts', 'errors'],
  page: ['contracts'],
  contracts: ['errors'],
  errors: [],
}

const IMPORTS = files().flatMap(importsOf)

describe('the order of imports', () => {
  it('is cli ► background ► door ► inspect ► actors ► protocols ► events ► project ► contracts ► errors', () => {
    const against = IMPORTS.filter(({ to }) => to.endsWith('.ts')).filter(({ from, to }) => {
      const [upper, lower] = [layerOf(from), layerOf(to)]
      return upper !== lower && !(MAY_IMPORT[upper] ?? []).includes(lower)
    })
    expect(against.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  it('has no cycle, of types neither', () => {
    expect(findCycle(files(), (file) => importedBy(file))).toEqual([])
  })

  it('has no circle of folders that stand beside each other', () => {
    const between = new Map<string, Set<string>>()
    for (const { from, to } of IMPORTS.filter(({ to: path }) => path.endsWith('.ts'))) {
      const [room, other] = roomsOf(from, to)
      if (room === null || other === null) continue
      between.set(room, (between.get(room) ?? new Set()).add(other))
    }
    expect(between.size).toBeGreaterThan(20)
    expect(findCycle([...between.keys()], (room) => between.get(room) ?? [])).toEqual([])
  })

  it('holds of files that are there', () => {
    const all = new Set(files())
    expect(all.size).toBeGreaterThan(100)
    expect(IMPORTS.length).toBeGreaterThan(all.size)
    expect(IMPORTS.filter(({ to }) => to.endsWith('.ts') && !all.has(to))).toEqual([])
  })
})

describe('a thread', () => {
  it('of the link loads no library of schemas, which each would keep for itself', () => {
    const entries = ['store', 'git', 'socket'].map((name) => `workers/${name}/${name}.worker.ts`)
    const loaded = new Set<string>(entries)
    for (const path of loaded) {
      for (const { from, to, isType } of IMPORTS) if (from === path && !isType) loaded.add(to)
    }
    expect(loaded).toContain('better-sqlite3')
    expect(loaded).not.toContain('zod')
  })
})

describe('a resource', () => {
  it('of threads is made by one file (L5)', () => {
    expect(files().filter((file) => /\bnew Worker\(/.test(read(file)))).toEqual(['actors/spawn.ts'])
    expect(importersOf('piscina')).toEqual([
      'workers/bulk/graph-layouts.ts',
      'workers/bulk/pool.ts',
    ])
  })

  it('of sockets is opened by the socket worker, the hub and the inspector for this machine', () => {
    const others = importersOf('ws').filter((file) => !/^(?:workers\/socket|hub)\//.test(file))
    expect(others).toEqual(['inspect/server/inspect-server.ts'])
  })

  it('of SQLite is opened by the store, the locks, the hub, and the doctor who looks', () => {
    const others = importersOf('better-sqlite3').filter(
      (file) => !/^(?:workers\/store|hub)\//.test(file),
    )
    expect(others).toEqual([
      'doctor/check-machine.ts',
      'project/git/repository-lock.ts',
      'project/login/login-lock.ts',
    ])
  })

  it('of processes is started by four files: git to its end, git that answers, the background process, a browser', () => {
    expect(importersOf('node:child_process')).toEqual([
      'background/start.ts',
      'inspect/open-browser.ts',
      'project/bounded-run.ts',
      'workers/git/objects/cat-file.ts',
    ])
  })

  it('of git objects is read and written by the git worker', () => {
    const others = importersOf('isomorphic-git').filter((file) => !file.startsWith('workers/git/'))
    expect(others).toEqual([])
  })
})

describe('the gate of what leaves (L12)', () => {
  const NETWORK = ['ws', 'node:http', 'node:https', 'node:http2', 'node:net', 'node:tls', 'undici']
  /** These carry the login alone, or speak to another process of the machine. */
  const WITHOUT_EVENTS = new Set([
    'background/control-client.ts',
    'background/control-server.ts',
    'background/inspect-client.ts',
    'inspect/server/inspect-server.ts',
    'project/login/hub-request.ts',
    'project/login/verify-login.ts',
    'workers/git/objects/cat-file.ts',
    'workers/socket/authenticate.ts',
    'workers/socket/handshake.ts',
  ])

  it('is passed by a claim only: nothing else makes a batch', () => {
    expect(filesWith(/\bClaimedBatch\.of\(/)).toEqual(['workers/store/delivery.ts'])
    expect(filesWith(/\bas ClaimedEvent\b|\bas DirectBatch\b/)).toEqual([
      'workers/store/claimed-batch.ts',
    ])
    expect(filesWith(/\[CLAIMED\]/)).toEqual(['workers/store/protocol.ts'])
    expect(read('workers/store/claimed-batch.ts')).toContain('private constructor')
    expect(read('workers/store/protocol.ts')).not.toContain('export declare const CLAIMED')
  })

  it('stands before each sender: it takes what was claimed, and asks consent for it', () => {
    const asking = filesWith(/(?<![.#\w])(?:requestHub|fetch)\(/)
    const senders = [...new Set([...NETWORK.flatMap(importersOf), ...asking])].filter(
      (file) => !file.startsWith('hub/') && !WITHOUT_EVENTS.has(file),
    )
    expect(senders).toContain('workers/socket/connection.ts')
    const past = senders.filter((file) => !/\bOutgoingItem\b/.test(read(file)))
    expect(past).toEqual([])
    // An item is made of a claimed row or of a commit frame, in one place, and sent in one that asks.
    expect(filesWith(/: OutgoingItem \{|as OutgoingItem\b/)).toEqual([
      'workers/socket/socket-service.ts',
    ])
    expect(read('workers/socket/sender.ts')).toMatch(/#isGranted\(item\.projectUuid\)/)
  })

  it('is where bodies of events leave the store', () => {
    const posting = filesWith(/\.postMessage\(/).filter((file) => file.startsWith('workers/store/'))
    expect(posting).toEqual(['workers/store/store-service.ts'])
    const posted = [
      ...read('workers/store/store-service.ts').matchAll(/\.postMessage\(([^;\n]*)\)/g),
    ]
    expect(posted.map(([, what]) => what)).toEqual(['claimed.numbered(batch)'])
  })
})

describe('a secret', () => {
  const DOOR = /^(?:hub|background|inspect\/server)\//
  const WORDS = '(?:\\w*(?:[tT]oken|[sS]ecret|[cC]ookie|[tT]icket)|hash)'
  const TEXT = new RegExp(
    `\\b${WORDS}\\s*[!=]==\\s*(?!\\s|null|undefined|'|true|false)|[!=]==\\s*(?:\\w+\\.)*${WORDS}\\b(?![\\w(])`,
  )

  it('is compared at no door as text: it is looked up by its hash, or compared in constant time (S21)', () => {
    expect('if (token === given) {').toMatch(TEXT)
    expect('return found !== stored.secret').toMatch(TEXT)
    expect('if (secret === null) return null').not.toMatch(TEXT)
    const doors = files().filter((file) => DOOR.test(file))
    expect(doors.length).toBeGreaterThan(20)
    expect(doors.filter((file) => TEXT.test(read(file)))).toEqual([])
  })
})

describe('a module that tests share', () => {
  it('registers no hook when it is loaded, which is once for many files', () => {
    const shared = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .filter((file) => file !== join('support', 'setup.ts'))
    const hooked = shared.filter((file) =>
      /^(?:before|after)(?:Each|All)\(/m.test(
        readFileSync(join(import.meta.dirname, file), 'utf8'),
      ),
    )
    expect(shared.length).toBeGreaterThan(20)
    expect(hooked).toEqual([])
  })
})

function layerOf(file: string): string {
  if (file === 'errors.ts') return 'errors'
  if (!file.includes('/') || file.startsWith('doctor/')) return 'door'
  if (/^workers\/(?:\w+\/protocol|thread-protocol)\.ts$/.test(file)) return 'protocols'
  return file.slice(0, file.indexOf('/'))
}

function files(): readonly string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
}

function filesWith(pattern: RegExp): readonly string[] {
  return files().filter((file) => pattern.test(read(file)))
}

function read(file: string): string {
  return readFileSync(join(SOURCE, file), 'utf8')
}

/** Static, re-exporting and dynamic imports; what is relative by its path below src. */
function importsOf(file: string): readonly Import[] {
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
  const dynamic = /\bimport\('([^']+)'\)/g
  const text = read(file)
  return [
    ...[...text.matchAll(statement)].map(([, type, to = '']) => ({ to, isType: Boolean(type) })),
    ...[...text.matchAll(dynamic)].map(([, to = '']) => ({ to, isType: false })),
  ].map(({ to, isType }) => ({
    from: file,
    to: to.startsWith('.')
      ? relative(SOURCE, join(SOURCE, dirname(file), to)).replaceAll('\\', '/')
      : to,
    isType,
  }))
}

/** Of the code; a type costs nothing and opens nothing. */
function importersOf(name: string): readonly string[] {
  const found = IMPORTS.filter(({ to, isType }) => to === name && !isType)
  return [...new Set(found.map(({ from }) => from))]
}

function importedBy(file: string): readonly string[] {
  return IMPORTS.filter(({ from }) => from === file).map(({ to }) => to)
}

/** The two folders in which the paths part; null for a file that stands there itself. */
function roomsOf(one: string, other: string): readonly [string | null, string | null] {
  const [ones, others] = [one.split('/'), other.split('/')]
  const depth = ones.findIndex((name, index) => name !== others[index])
  const room = (names: readonly string[]) =>
    names.length > depth + 1 ? names.slice(0, depth + 1).join('/') : null
  return [room(ones), room(others)]
}

function findCycle(
  all: readonly string[],
  next: (from: string) => Iterable<string>,
): readonly string[] {
  const done = new Set<string>()
  const visit = (place: string, path: readonly string[]): readonly string[] => {
    if (path.includes(place)) return [...path.slice(path.indexOf(place)), place]
    if (done.has(place)) return []
    for (const to of next(place)) {
      const cycle = visit(to, [...path, place])
      if (cycle.length > 0) return cycle
    }
    done.add(place)
    return []
  }
  for (const place of all) {
    const cycle = visit(place, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
