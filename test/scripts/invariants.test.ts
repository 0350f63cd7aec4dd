/** Evidence of one wrong each: the judge of its number must see it, and sound evidence must pass all of them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { INVARIANTS, judge } from '../../scripts/prove/invariants.mjs'

const PROJECTS = [
  { name: 'open', uuid: 'u-open', consent: 'granted', canary: 'open-canary' },
  { name: 'shut', uuid: 'u-shut', consent: 'never', canary: 'shut-canary' },
  {
    name: 'changing',
    uuid: 'u-changing',
    consent: 'changing',
    canary: 'changing-canary',
    period: 'period-2-in',
  },
]

type Row = ReturnType<typeof row>
type Entry = Record<string, unknown> | null

function row(id: string, lamport_clock: number, project = 'open', text = '') {
  const project_uuid = `u-${project}`
  return { event_id: id, project_uuid, node_id: 'node', lamport_clock, body: text }
}

function said(id: string, project = 'open', period: string | null = null) {
  return { id, project: `u-${project}`, period }
}

/** What a run against a hub has seen. */
function delivered({ events = [] as unknown[], commits = [] as unknown[], rows = [] as Row[] }) {
  const hub = { events: rows, commits: [] as unknown[] }
  const quiet = { outcomes: [], undelivered: [], verdicts: [], heard: [], peaks: {} }
  return { projects: PROJECTS, acknowledged: { events, commits }, hub, ...quiet }
}

const ANSWER = {
  event_id: 'a',
  event_type: 'DecisionInputAnswered',
  payload: { decision_id: 'd' },
}
const MOVE = { event_id: 'm', to_lane: 'claimed', wp_id: 'WP01' }
/** One that lost a line of its last two to a cut, and tells of a commit after it. */
const CUT = { before: ['0 1 x'], lines: ['0 1 x', '1 ', '1 3 x'], from: '1', tip: '3' }
const REFLOG = { lines: ['0 1 x', '1 2 x'], tip: '2' }

/** What a run of one mission has seen, where all is well. */
function mission() {
  return {
    acknowledged: [
      { event_id: 'a', says: 'd', commit: '1', path: null },
      { event_id: 'm', says: 'claimed', commit: '2', path: null },
    ],
    logs: {
      decisions: { rows: [ANSWER] as Entry[], branch: [ANSWER] as Entry[] },
      status: { rows: [MOVE] as Entry[], branch: [MOVE] as Entry[] },
      glossary: { rows: [] as Entry[], branch: [] as Entry[] },
    },
    queued: [{ event_id: 'm', event_type: 'WPStatusChanged' }],
    cut: { reflogs: [{ ...CUT }] },
    git: {
      complaints: [] as string[],
      isIndexChanged: false,
      reflogs: [REFLOG],
      strange: [] as object[],
      isStaged: true,
    },
    commits: [
      { isOurs: true, isOneThing: true, files: 'decisions', lines: ['+{"a"'], rows: [ANSWER] },
      { isOurs: true, isOneThing: true, files: 'status', lines: ['+{"m"'], rows: [MOVE] },
    ] as { isOurs: boolean; isOneThing: boolean; files: string; lines: string[]; rows: Entry[] }[],
    reported: [{ commit: '1', what: 'a', isReachable: true, isHeld: true }],
    frames: { commits: ['1', '2'], pending: ['1', '2'] },
    disk: {
      names: ['HEAD'],
      exclude: ['# a comment', '/.kittify/sync-state.json*'],
      isLedgerIdle: false,
      hasCommits: true,
    },
    derived: [] as string[],
  }
}

type Mission = ReturnType<typeof mission>

function of<Item>(items: readonly Item[], at: number): Item {
  const item = items[at]
  if (item === undefined) throw new Error(`there is no ${at}`)
  return item
}

describe('the invariants', () => {
  it('are forty, and each is judged, or held by a test that is there', () => {
    expect(Object.keys(INVARIANTS)).toEqual(Array.from({ length: 40 }, (_, at) => `I${at + 1}`))
    const root = join(import.meta.dirname, '../..')
    for (const [number, { judges, tests }] of Object.entries(INVARIANTS)) {
      const isHeld = judges.length > 0 || (tests !== null && existsSync(join(root, tests)))
      expect({ number, isHeld }).toEqual({ number, isHeld: true })
    }
  })

  it('judge what the evidence allows, and say which they are', () => {
    expect(judge({ git: mission().git })).toEqual({ judged: ['I7', 'I9'], faults: [] })
    expect(judge({}).judged).toEqual([])
  })
})

describe('evidence of what was delivered', () => {
  it('is good where everything is there once, in order, and nothing else', () => {
    const periods = [said('d', 'changing', 'period-0-in'), said('e', 'changing', 'period-2-in')]
    const events = [said('a'), said('b'), said('c', 'shut'), ...periods]
    const rows = [row('a', 1), row('e', 7, 'changing', 'period-2-in'), row('b', 2)]
    const { judged, faults } = judge(delivered({ events, rows }))
    expect(faults).toEqual([])
    expect(judged).toEqual(expect.arrayContaining(['I1', 'I2', 'I3', 'I11', 'I22', 'I25', 'I30']))
  })

  it.each([
    ['lost', { events: [said('a')] }, 'I1: event lost: open  a'],
    ['a lost commit', { commits: [said('a')] }, 'I1: commit lost: open  a'],
    ['there twice', { rows: [row('a', 1), row('a', 2)] }, 'I3: event twice: u-open a'],
    ['out of order', { rows: [row('a', 2), row('b', 1)] }, 'I11: out of order: b, 1 after 2'],
    ['of one clock', { rows: [row('a', 2), row('b', 2)] }, 'I11: out of order: b, 2 after 2'],
    ['without consent', { rows: [row('a', 1, 'shut')] }, 'I30: without consent: a'],
    ['of no project', { rows: [row('a', 1, 'else')] }, "I20: of nobody's project: a"],
    [
      "another project's",
      { rows: [row('a', 1, 'open', 'shut-canary')] },
      'I20: of shut in another project: a',
    ],
    [
      'recorded while consent was withdrawn',
      { rows: [row('a', 1, 'changing', 'changing-canary period-1-out')] },
      'I30: recorded while consent was withdrawn: a',
    ],
    [
      'acknowledged then, and there',
      { events: [said('a', 'changing', 'period-1-out')], rows: [row('a', 1, 'changing')] },
      'I30: event leaked: changing period-1-out a',
    ],
    [
      'of the last period, and lost',
      { events: [said('a', 'changing', 'period-2-in')] },
      'I1: event lost: changing period-2-in a',
    ],
  ])('shows what is %s', (_, given, fault) => {
    expect(judge(delivered(given)).faults).toEqual([fault])
  })

  it.each([
    ['outcomes', 'I2'],
    ['verdicts', 'I4'],
    ['undelivered', 'I22'],
    ['heard', 'I29'],
  ])('shows what was met as %s', (name, number) => {
    expect(judge({ ...delivered({}), [name]: ['wrong'] }).faults).toEqual([`${number}: wrong`])
  })

  it('holds a seed to one trace (I36), and a thread to its restarts (I32)', () => {
    expect(judge({ traces: [7, 7] })).toEqual({ judged: ['I36'], faults: [] })
    expect(judge({ traces: [7, 8] }).faults).toEqual(['I36: one seed made the traces 7, 8'])
    const starts = [0, 1, 2, 3, 5_000].map((at) => ({ name: 'store', at }))
    expect(judge({ starts })).toEqual({ judged: ['I32'], faults: [] })
    const more = [...starts, ...starts.map(({ at }) => ({ name: 'git', at: at * 0.9 }))]
    const again = 'I32: the git thread is started again and again'
    expect(judge({ starts: more }).faults).toEqual([again])
  })

  it('holds the loop to be in time, in the best of some runs (I33)', () => {
    expect(judge({ delays: [900, 49] })).toEqual({ judged: ['I33'], faults: [] })
    expect(judge({ delays: [900, 50] }).faults).toEqual(['I33: the loop is late by 50 ms'])
  })

  it('holds the holder of the link and the hub to their memory', () => {
    expect(judge({ peaks: { background: 150, hub: 256, producer: 999 } }).faults).toEqual([])
    const { faults } = judge({ peaks: { background: 151, hub: 257 } })
    expect(faults.map((fault) => fault.slice(0, 4))).toEqual(['I25:', 'I25:'])
  })
})

describe('evidence of a mission', () => {
  it('is good where rows, commits, frames and outbox say the same', () => {
    const { judged, faults } = judge(mission())
    expect(faults).toEqual([])
    const numbers = ['I1', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I13', 'I16', 'I17']
    expect(judged).toEqual(numbers)
  })

  const planted: [string, (world: Mission) => unknown, string][] = [
    ['a lost row', ({ logs }) => logs.decisions.rows.splice(0, 1), 'I1'],
    ['a row that says less', ({ acknowledged }) => (of(acknowledged, 0).says = 'more'), 'I1'],
    ['a row without its event', ({ queued }) => queued.pop(), 'I3'],
    ['an event that is queued twice', ({ queued }) => queued.push(of(queued, 0)), 'I3'],
    ['an event without its row', ({ queued }) => (of(queued, 0).event_id = 'z'), 'I3'],
    ['a stale snapshot', ({ derived }) => derived.push('the snapshot is stale'), 'I4'],
    ['a torn line', ({ logs }) => logs.decisions.rows.push(null), 'I5'],
    ['a committed torn line', ({ commits }) => of(commits, 0).rows.push(null), 'I5'],
    ['a row taken away', ({ commits }) => of(commits, 0).lines.push('-{"x"'), 'I5'],
    ['a row that stands twice', ({ logs }) => logs.decisions.rows.push(ANSWER), 'I6'],
    ['a row in two commits', ({ commits }) => of(commits, 1).rows.push(ANSWER), 'I6'],
    [
      'two answers',
      ({ logs }) => {
        const second = { ...ANSWER, event_id: 'b' }
        logs.decisions.rows.push(second)
        logs.decisions.branch.push(second)
      },
      'I6',
    ],
    [
      'two resolutions',
      ({ logs, queued }) => {
        for (const event_id of ['g', 'h']) {
          const event_type = 'GlossaryClarificationResolved'
          logs.glossary.rows.push({ event_id, event_type, conflict_id: 'c' })
          queued.push({ event_id, event_type })
        }
      },
      'I6',
    ],
    ['a corrupt repository', ({ git }) => git.complaints.push('fsck: bad object'), 'I7'],
    ['an answer in no commit', ({ logs }) => logs.decisions.branch.pop(), 'I8'],
    ['a move in no commit', ({ logs }) => logs.status.branch.pop(), 'I8'],
    ['a commit that is gone', ({ reported }) => (of(reported, 0).isReachable = false), 'I8'],
    ['a commit without its row', ({ reported }) => (of(reported, 0).isHeld = false), 'I8'],
    [
      'a gap in a reflog',
      ({ git }) => (git.reflogs = [{ ...REFLOG, lines: ['0 1', '3 2'] }]),
      'I9',
    ],
    ['a reflog that is behind', ({ git }) => (git.reflogs = [{ ...REFLOG, tip: '3' }]), 'I9'],
    ['a reflog cut too far', ({ cut }) => (of(cut.reflogs, 0).lines = ['1 2 x', '2 3 x']), 'I9'],
    ['a reflog that is torn', ({ cut }) => (of(cut.reflogs, 0).lines = ['0 1 x', '1 2']), 'I9'],
    ['a mixed commit', ({ commits }) => (of(commits, 0).isOneThing = false), 'I10'],
    ["the user's index changed", ({ git }) => (git.isIndexChanged = true), 'I10'],
    ['an unstaged file', ({ git }) => (git.isStaged = false), 'I10'],
    ['a strange file', ({ git }) => git.strange.push({ where: 'here', line: '?? x' }), 'I10'],
    ['a lock', ({ disk }) => disk.names.push('index.lock'), 'I13'],
    ['a temporary file', ({ disk }) => disk.names.push('objects/tmp_obj_1'), 'I13'],
    ['a strange exclude', ({ disk }) => disk.exclude.push('*.ts'), 'I13'],
    ['a missing exclude', ({ disk }) => (disk.exclude = []), 'I13'],
    ['a lost frame', ({ frames }) => frames.pending.pop(), 'I16'],
    ['frames in another order', ({ frames }) => frames.pending.reverse(), 'I16'],
  ]

  it.each(planted)('shows %s', (_, plant, number) => {
    const world = mission()
    plant(world)
    const { faults } = judge(world)
    const numbers = new Set(faults.map((fault) => fault.split(':')[0]))
    expect(numbers).toEqual(new Set([number]))
  })

  it('lets a row come back that a commit of somebody else took off the branch, and once', () => {
    const world = mission()
    const back = of(world.commits, 0)
    const lines = [`-${JSON.stringify(ANSWER)}`]
    world.commits.push({ isOurs: false, isOneThing: false, files: 'all', lines, rows: [] }, back)
    expect(judge(world).faults).toEqual([])
    world.commits.push(back)
    expect(judge(world).faults).toEqual(['I6: the row a is in two commits'])
  })

  it('lets an unfinished file of our own lie until somebody writes to a ledger', () => {
    const world = mission()
    world.disk.names.push('kittiwake/tmp-1')
    expect(judge(world).faults).toEqual(['I13: left behind: kittiwake/tmp-1'])
    world.disk.isLedgerIdle = true
    expect(judge(world).faults).toEqual([])
  })
})
