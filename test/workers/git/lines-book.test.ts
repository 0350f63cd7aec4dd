/** Which lines of the ledgers a hub gets: of each commit that it has confirmed, once, cleaned, in the order of the commits. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '#dist/contracts/json/json.js'
import type { LedgerFrame } from '#dist/contracts/wire/ledger-frame.js'
import type { LedgerLines } from '#dist/contracts/wire/ledger-lines.js'
import { InputError } from '#dist/errors.js'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import {
  historyPath,
  previewLedgers,
  releaseLedgers,
} from '#dist/workers/git/logs/ledger-history.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { addedRows } from '#dist/workers/git/logs/lines-of-commit.js'
import { IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'

const HUB = { origin: 'https://hub.example', team: 'acme', epoch: 'first' }
const TAKES = ['ledger_lines'] as const
const sanitizer = createSanitizer(NO_IDENTITY)
const clean = (value: unknown): Json => sanitizer.sanitize(value).value

let repository: LedgerRepository
let ledger: Ledger
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('harbour')
  ledger = opened()
})

afterEach(() => repository.remove())

function opened(epoch = 'first'): Ledger {
  const made = repository.ledger({ clean })
  made.confirmBy({ ...HUB, epoch }, TAKES)
  return made
}

const isLines = (frame: LedgerFrame): frame is LedgerLines => frame.type === 'LedgerLines'
const lines = async (except: readonly string[] = []) => (await ledger.offer(except)).filter(isLines)
const ids = (frames: readonly LedgerLines[]) => frames.map(({ lines_id }) => lines_id)

/** Commits rows natively; answers the commit. */
function commitLog(text: string, name = 'status.events.jsonl'): string {
  const { worktree, missionPath } = repository.placement(mission)
  mkdirSync(missionPath, { recursive: true })
  writeFileSync(join(missionPath, name), text)
  repository.git.gitIn(worktree, 'add', '-f', '.')
  repository.git.gitIn(worktree, 'commit', '-qm', 'Rows')
  return repository.git.gitIn(worktree, 'rev-parse', 'HEAD').trim()
}

describe('the lines of a commit', () => {
  it('are offered once the hub has confirmed it, and no more once it has them', async () => {
    const commit = await repository.decide(ledger, mission)
    expect(await lines()).toEqual([])
    await ledger.confirm([commit])
    const [frame, ...others] = await lines()
    expect(others).toEqual([])
    expect(frame).toMatchObject({
      type: 'LedgerLines',
      project_uuid: IDENTITY.uuid,
      build_id: IDENTITY.build_id,
      git_hash: commit,
      mission,
      ledger: 'decisions',
      history: false,
      rows: [
        { line: 1, row: { event_type: 'DecisionInputRequested' } },
        { line: 2, row: { event_type: 'DecisionInputAnswered' } },
      ],
    })
    expect(ids(await lines())).toEqual([frame?.lines_id])
    await ledger.confirm(ids(frame === undefined ? [] : [frame]))
    expect(await lines()).toEqual([])
    ledger = opened()
    expect(await lines()).toEqual([])
  })

  it('wait behind the commits that are still to be told', async () => {
    const first = await repository.decide(ledger, mission)
    await ledger.confirm([first])
    const second = await repository.decide(ledger, mission)
    expect((await ledger.offer()).map(({ type }) => type)).toEqual(['LocalCommit'])
    await ledger.confirm([second])
    expect((await lines()).map(({ git_hash }) => git_hash)).toEqual([first, second])
  })

  it('come also behind more commits than one claim looks at, all of them refused', async () => {
    await ledger.heal()
    const commits: string[] = []
    for (let at = 0; at < 66; at += 1) {
      const rows = Array.from({ length: at + 1 }, (_, row) => `{"event_id":"e${row}"}\n`)
      commits.push(commitLog(rows.join('')))
    }
    await ledger.confirm(commits)
    const refused: string[] = []
    for (let found = await lines(); found.length > 0; found = await lines(refused)) {
      refused.push(...ids(found))
    }
    expect(new Set(refused).size).toBe(commits.length)
  })

  it('need no second look at a commit once the hub has the last of them', async () => {
    const commit = await repository.decide(ledger, mission)
    await ledger.confirm([commit])
    await ledger.confirm(ids(await lines()))
    const told = readFileSync(join(repository.commonDir, 'kittiwake/told'), 'utf8')
    expect(told.split('\n')).toContain(commit)
  })

  it('are offered again after a crash before the word of the hub was noted (L9)', async () => {
    await ledger.confirm([await repository.decide(ledger, mission)])
    const before = ids(await lines())
    ledger = opened()
    expect(ids(await lines())).toEqual(before)
  })

  it('hold what is new since the parent, in the order of the commits', async () => {
    const first = await repository.decide(ledger, mission)
    const second = await repository.decide(ledger, mission)
    await ledger.confirm([first, second])
    const found = await lines()
    expect(found.map(({ git_hash }) => git_hash)).toEqual([first, second])
    expect(found.map(({ rows }) => rows.map(({ line }) => line))).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('go to another epoch of the hub anew, and to one that takes none not at all', async () => {
    const commit = await repository.decide(ledger, mission)
    await ledger.confirm([commit])
    const sent = ids(await lines())
    await ledger.confirm(sent)
    ledger = opened('second')
    await ledger.confirm([commit])
    expect(ids(await lines())).toEqual(sent)
    ledger.confirmBy({ ...HUB, epoch: 'second' }, [])
    expect(await lines()).toEqual([])
  })

  it('never leave a ledger that can not clean them (L4)', async () => {
    const commit = await repository.decide(ledger, mission)
    const bare = repository.ledger()
    bare.confirmBy(HUB, TAKES)
    await bare.confirm([commit])
    expect(await bare.offer()).toEqual([])
  })

  it('leave cleaned, and what can not be cleaned or read is told of without its content (L4)', async () => {
    const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'
    const row = { event_id: 'e1', note: `see /home/sam/x and ${secret}` }
    await ledger.heal()
    const commit = commitLog(`${JSON.stringify(row)}\nnot json ${secret}\n[1]\n\n{"torn":`)
    await ledger.confirm([commit])
    const [frame] = await lines()
    expect(frame?.rows.map(({ line, row: sent }) => [line, sent === null])).toEqual([
      [1, false],
      [2, true],
      [3, true],
    ])
    expect(JSON.stringify(frame)).not.toContain(secret)
    expect(JSON.stringify(frame)).not.toContain('/home/sam')
    ledger = repository.ledger({
      clean: (value) => {
        if (JSON.stringify(value).includes('note')) throw new InputError('JSON_DEPTH', 'too deep')
        return clean(value)
      },
    })
    ledger.confirmBy(HUB, TAKES)
    expect((await lines())[0]?.rows[0]).toEqual({ line: 1, row: null })
  })

  it('name their project, but where its name must not leave or is none (L4)', async () => {
    const commit = await repository.decide(ledger, mission)
    await ledger.confirm([commit])
    const namesBy = async (slug: string): Promise<readonly (string | undefined)[]> => {
      ledger = repository.ledger({ clean, identity: async () => ({ ...IDENTITY, slug }) })
      ledger.confirmBy(HUB, TAKES)
      return (await lines()).map(({ project_slug }) => project_slug)
    }
    expect(await namesBy('pier')).toEqual(['pier'])
    expect(await namesBy('ghp_0123456789abcdefghijABCDEFGHIJ012345')).toEqual([undefined])
    expect(await namesBy(' ')).toEqual([undefined])
  })

  it('of a mission with a name that must not leave stay here (L4)', async () => {
    const commit = await repository.decide(ledger, mission)
    ledger = repository.ledger({
      clean: (value) => (JSON.stringify(value).includes(mission) ? { mission: 'x' } : clean(value)),
    })
    ledger.confirmBy(HUB, TAKES)
    await ledger.confirm([commit])
    expect(await lines()).toEqual([])
  })

  it('are parted by their length, claim by claim, and one that is refused stops none behind it', async () => {
    const row = (at: number) => JSON.stringify({ event_id: `e${at}`, note: 'wave '.repeat(8_000) })
    const text = Array.from({ length: 24 }, (_, at) => `${row(at)}\n`).join('')
    await ledger.heal()
    const commit = commitLog(text)
    const behind = await repository.decide(ledger, mission)
    await ledger.confirm([commit, behind])
    const seen: number[] = []
    const refused: string[] = []
    let claims = 0
    for (let found = await lines(refused); found.length > 0; found = await lines(refused)) {
      claims += 1
      expect(claims).toBeLessThan(40)
      for (const { rows } of found) {
        expect(JSON.stringify(rows).length).toBeLessThan(200 * 1024)
        if (found[0]?.ledger === 'status') seen.push(...rows.map(({ line }) => line))
      }
      refused.push(...ids(found.slice(0, 1)))
      await ledger.confirm(ids(found.slice(1)))
    }
    expect(seen.slice(0, 24)).toEqual(Array.from({ length: 24 }, (_, at) => at + 1))
    expect(refused.length).toBeGreaterThan(1)
    ledger = opened()
    // What was refused is offered again on the next link.
    expect(ids(await lines()).toSorted()).toEqual(refused.toSorted())
  })

  it('survive a commit that is gone, which has none', async () => {
    const commit = await repository.decide(ledger, mission)
    await ledger.confirm([commit])
    const file = join(repository.commonDir, 'kittiwake/acknowledged')
    appendFileSync(file, `${'e'.repeat(40)}\n`)
    const found = await lines()
    expect(found).toHaveLength(1)
    await ledger.confirm(ids(found))
    expect(await lines()).toEqual([])
    const told = readFileSync(join(repository.commonDir, 'kittiwake/told'), 'utf8')
    expect(told).toContain('e'.repeat(40))
    expect(told).not.toMatch(/hub|acme/)
  })
})

describe('the history of the ledgers', () => {
  const release = async () => {
    const { hash } = await previewLedgers(repository.commonDir)
    return releaseLedgers(repository.commonDir, hash)
  }

  it('goes once it is released by the hash of what was shown, as history, and once', async () => {
    const commit = await repository.decide(ledger, mission)
    expect(await lines()).toEqual([])
    const shown = await previewLedgers(repository.commonDir)
    expect(shown).toMatchObject({ missions: 1, rows: 2 })
    expect(await release()).toEqual(shown)
    // Behind the commit, which the hub has refused for now.
    expect(await lines()).toEqual([])
    const found = await lines([commit])
    expect(found).toMatchObject([
      { git_hash: commit, mission, ledger: 'decisions', history: true, rows: [{ line: 1 }, {}] },
    ])
    await ledger.confirm(ids(found))
    expect(await lines([commit])).toEqual([])
    // The same again is nothing new.
    await release()
    expect(await lines([commit])).toEqual([])
  })

  it('is refused where it is not what was shown', async () => {
    await repository.decide(ledger, mission)
    const { hash } = await previewLedgers(repository.commonDir)
    await repository.decide(ledger, mission)
    await expect(releaseLedgers(repository.commonDir, hash)).rejects.toMatchObject({
      code: 'HISTORY_CHANGED',
    })
    expect(await lines()).toEqual([])
  })

  it('comes behind the lines of confirmed commits, and from branches and HEAD alike', async () => {
    const commit = await repository.decide(ledger, mission)
    const shared = repository.createShared('market')
    const harbour = mission
    mission = shared
    commitLog('{"event_id":"e1"}\n')
    await release()
    await ledger.confirm([commit])
    const found = await lines()
    expect(found.map(({ mission: of, history }) => [of, history])).toEqual([
      [harbour, false],
      [harbour, true],
      [shared, true],
    ])
  })

  it('is nothing where its file can not be read', async () => {
    await repository.decide(ledger, mission)
    await release()
    writeFileSync(historyPath(repository.commonDir), 'x y\n\u0000')
    expect(await lines()).toEqual([])
  })
})

describe('the rows that were added to a log', () => {
  const rowsOf = (before: string, after: string) =>
    addedRows(Buffer.from(before), Buffer.from(after)).map(({ line, value }) => [line, value])

  it.each([
    [
      'a first log',
      '',
      '{"a":1}\n{"b":2}\n',
      [
        [1, { a: 1 }],
        [2, { b: 2 }],
      ],
    ],
    ['an append', '{"a":1}\n', '{"a":1}\n{"b":2}\n', [[2, { b: 2 }]]],
    ['an append behind a torn line', '{"a":1}\n{"b', '{"a":1}\n{"b":2}\n', [[2, { b: 2 }]]],
    ['a merge', '{"a":1}\n{"c":3}\n', '{"a":1}\n{"b":2}\n{"c":3}\n', [[2, { b: 2 }]]],
    ['a removal', '{"a":1}\n{"b":2}\n', '{"b":2}\n', []],
    ['a blank line', '', '\n{"a":1}\n', [[2, { a: 1 }]]],
    [
      'a line that is no JSON',
      '',
      'x\n{"a":1}\n',
      [
        [1, null],
        [2, { a: 1 }],
      ],
    ],
    ['no line end', '', '{"a":1}', [[1, { a: 1 }]]],
  ])('by %s are those that were not there', (_, before, after, wanted) => {
    expect(rowsOf(before, after)).toEqual(wanted)
  })
})
