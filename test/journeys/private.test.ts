/** A payload full of names, homes, addresses and tokens goes every way that there is, and none of it is found anywhere. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLink } from '../hub/support.ts'
import type { TestLink } from '../hub/support.ts'
import { findCanaries, findInObjects, holds } from '../support/canary-scan.ts'
import { until } from '../support/program.ts'
import { rawRun } from '../support/raw-run.ts'
import { rawHere } from '../support/run-here.ts'
import type { RawEnd } from '../support/raw-run.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'

const USER = 'quorwren'
const HOST = 'ternharbour77'
const PERSON = { name: 'Brindle Oskwick', email: 'brindle.oskwick@fernmail.example' }
// In parts, so that nobody takes them for real ones.
const TOKENS = [
  ['ghp', '_R7wQ2nZk9LxV4bTd6YcJ1mHs8PfA3gEu5KoB'],
  ['AKI', 'AQ7XN4ZT2KW9M5RBD'],
  ['xox', 'b-481516234211-481516234299-Zq8Wn3Lk7Vt2Xc6Yb1Md'],
  ['eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiI5MTcifQ.kT3vQ9zXw7LmN2bR5cY8dF1gH4jK6pS0'],
].map((parts) => parts.join(''))
const PASSWORD = 'Vx7Kq2Lm9Tz4Wb'

/** What may be found nowhere, in any case. */
const CANARIES = [
  USER,
  HOST,
  PASSWORD,
  'oskwick',
  'velmira',
  'zephowen',
  'jaspemir',
  'hidden.person',
  ...TOKENS.map((token) => token.slice(-20)),
  ...(hostname().length > 5 ? [hostname()] : []),
]

const LEAKS = [
  `/home/velmira/notes.txt and file:///home/velmira/more`,
  'C:\\Users\\zephowen\\secret.txt',
  '/Users/jaspemir/Library/x',
  'write to hidden.person@otherfirm.example, please',
  `${PERSON.name} <${PERSON.email}> on ${HOST} as ${USER}; ssh ${USER}@${HOST}`,
  `host ${hostname()}`,
  `https://bob:${PASSWORD}@git.example/x.git`,
  `password=${PASSWORD}`,
  ...TOKENS.map((token) => `the token is ${token}.`),
]

const machine = new TestMachine()
const printed: RawEnd[] = []
const frames: Buffer[] = []
const home = join(machine.folder, 'people', USER)
let root = ''
let hub: TestHub
let peer: TestLink
let uuid = ''
let mission = ''
let userMade: string[] = []

beforeAll(async () => {
  root = machine.repository('seabird')
  becomeSomebody()
  const init = JSON.parse((await command('init')).out) as { project: { uuid: string } }
  uuid = init.project.uuid
  mission = (
    JSON.parse((await command('mission', 'create', 'harbour')).out) as { mission_slug: string }
  ).mission_slug
  machine.git(root, 'checkout', '-q', '-b', `users/${USER}/topic`)
  userMade = findCanaries(root, CANARIES)
  hub = await new TestHub(machine).start()
  await hub.login(root)
  peer = await openLink(hub, hub.token)
  peer.socket.on('message', (data) => frames.push(data as Buffer))
  await leakEveryWay()
})

afterAll(async () => {
  peer.socket.terminate()
  await machine.close()
})

describe('what names people, machines and secrets', () => {
  it('is in no file that the program made, before the first event (L4)', () => {
    const kinds = new Set(userMade.map((found) => found.split(/[:/]/).slice(0, 2).join('/')))
    // The branch is the user's own doing, and git wrote its name down.
    expect([...kinds].sort()).toEqual(['.git/HEAD', '.git/logs', '.git/refs'])
  })

  it('is in no file of the repository, in no object and in no pack of git (L4)', () => {
    expect(findCanaries(root, CANARIES).filter((found) => !userMade.includes(found))).toEqual([])
    expect(findInObjects(root, CANARIES)).toEqual([])
    machine.git(root, 'gc', '-q', '--prune=now')
    expect(findInObjects(root, CANARIES)).toEqual([])
  })

  it('is in no page of the outbox and in no file of the state directory (L4)', () => {
    expect(findCanaries(machine.state, CANARIES)).toEqual([])
  })

  it('is in no file of the hub, and in no frame that a peer receives (L4)', () => {
    expect(findCanaries(hub.dataDir, CANARIES)).toEqual([])
    const wire = Buffer.concat(frames)
    expect(CANARIES.filter((canary) => holds(wire, canary))).toEqual([])
  })

  it('is in nothing that a command prints (L4)', () => {
    const text = Buffer.from(printed.map(({ out, err }) => `${out}${err}`).join('\n'))
    expect(printed.map(({ code }) => code)).toEqual(printed.map(() => 0))
    expect(CANARIES.filter((canary) => holds(text, canary))).toEqual([])
  })

  it('was there to be found, and the events and decisions around it arrived', async () => {
    const planted = Buffer.from(JSON.stringify(LEAKS.concat(USER)))
    expect(CANARIES.filter((canary) => !holds(planted, canary))).toEqual([])
    const events = await hub.rows('event', uuid)
    // With the clarification and its resolution, the package and its two moves.
    expect(events).toHaveLength(2 + LEAKS.length + 2 + 3)
    expect(await hub.rows('commit', uuid)).toHaveLength(3)
    expect(frames.length).toBeGreaterThan(LEAKS.length)
    expect(JSON.stringify(events)).toContain('a harmless remark')
  })
})

/** The names of this machine's user, where programs look for them. */
function becomeSomebody(): void {
  mkdirSync(home, { recursive: true })
  const config = join(home, 'gitconfig')
  writeFileSync(config, `[user]\n\tname = ${PERSON.name}\n\temail = ${PERSON.email}\n`)
  const names = { HOME: home, USER, LOGNAME: USER, HOSTNAME: HOST, GIT_CONFIG_GLOBAL: config }
  Object.assign(machine.env, names)
  for (const name of Object.keys(machine.env)) {
    if (/^GIT_(?:AUTHOR|COMMITTER)_/.test(name)) delete machine.env[name]
  }
}

async function leakEveryWay(): Promise<void> {
  const file = join(machine.folder, 'payload.json')
  writeFileSync(file, JSON.stringify(payloadOf(LEAKS.join(' | '))))
  await command('emit', 'NoteTaken', '--aggregate', LEAKS[4] ?? '', '--payload', `@${file}`)
  await command('emit', 'NoteTaken', '--payload', JSON.stringify(payloadOf(USER)))
  rmSync(file)
  const lines = LEAKS.map((leak) =>
    JSON.stringify({ event_type: 'NoteTaken', aggregate_id: leak, payload: payloadOf(leak) }),
  )
  printed.push(await rawRun(place(), ['emit', '--batch', '-'], lines.join('\n')))
  const all = LEAKS.join('\n')
  const request = ['decision', 'request', '--mission', mission, '--question', all, '--option', all]
  const names = ['--step', LEAKS[4] ?? '', '--input-key', `key of ${USER}`, '--run', USER]
  const asked = await command(...request, ...names, '--actor', USER)
  const { decision_id } = JSON.parse(asked.out) as { decision_id: string }
  const answer = ['decision', 'answer', decision_id, '--mission', mission, '--answer', all]
  await command(...answer, '--actor', PERSON.email)
  const term = ['glossary', 'request', PERSON.email, '--mission', mission, '--actor', USER]
  const unclear = await command(...term, '--question', all, '--option', all, '--step', USER)
  const { conflict_id } = JSON.parse(unclear.out) as { conflict_id: string }
  const settle = ['glossary', 'resolve', conflict_id, '--mission', mission, '--definition', all]
  await command(...settle, '--actor', PERSON.email)
  const package_ = ['WP01', '--mission', mission, '--actor', USER]
  await command('wp', 'create', ...package_, '--title', all)
  const review = { reviewer: PERSON.name, verdict: 'approved', reference: all }
  const move = ['wp', 'move', 'WP01', 'approved', '--mission', mission, '--actor', PERSON.email]
  const forced = ['--force', '--reason', all, '--review-ref', all]
  const evidence = [
    '--evidence',
    JSON.stringify({ review }),
    '--review-result',
    JSON.stringify(review),
  ]
  await command(...move, ...forced, ...evidence)
  await command('sync', 'now')
  for (const args of [
    ['queue', 'list'],
    ['decision', 'log', '--mission', mission],
    ['sync', 'status'],
    ['doctor'],
    ['mission', 'list'],
    ['wp', 'history', 'WP01', '--mission', mission],
    ['status'],
    ['glossary', 'list'],
    ['auth', 'status'],
  ]) {
    printed.push(await rawHere(place(), [...args, '--json']))
  }
  await until('the peer saw every event', () => frames.length > LEAKS.length)
}

/** One leak as a value, a key, in arrays, in JSON within text, and beside something harmless. */
function payloadOf(leak: string) {
  return {
    remark: 'a harmless remark',
    entry_content: leak,
    [leak.slice(0, 200)]: { [leak.slice(0, 200)]: true },
    list: [leak, [leak, { leak }]],
    nested: JSON.stringify({ inner: leak, again: JSON.stringify([leak]) }),
    machine_name: HOST,
    developerEmail: PERSON.email,
    'workspace-path': home,
    git: { branch: `users/${USER}/topic`, author: `${PERSON.name} <${PERSON.email}>` },
  }
}

async function command(...args: string[]): Promise<RawEnd> {
  const ended = await rawRun(place(), [...args, '--json'])
  printed.push(ended)
  return ended
}

function place() {
  return { cwd: root, env: machine.env }
}
