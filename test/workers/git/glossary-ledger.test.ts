/** The glossary's writer on real files: one row, one sense, whatever is repeated, damaged or refused. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkGlossary, findingsOf } from '#dist/read-glossary.js'
import { GlossaryLab, SCOPE_FILE } from '../../support/glossary-lab.ts'

let lab: GlossaryLab

beforeEach(() => (lab = new GlossaryLab()))
afterEach(() => lab.remove())

describe('a resolution', () => {
  it('is one row and one entry, and the same again changes no byte', async () => {
    const { conflict_id } = await lab.ask('workspace')
    const first = await lab.resolve(conflict_id, 'A worktree')
    expect(first).toMatchObject({ duplicate: false, scope: 'team_domain', changed: true })
    const [log, seed] = [lab.log(), lab.seed()]
    expect(seed).toContain(
      '- surface: workspace\n    definition: A worktree\n    confidence: 1.0\n',
    )
    const again = await lab.resolve(conflict_id, 'A worktree')
    expect(again).toEqual({ ...first, duplicate: true, changed: false })
    expect([lab.log(), lab.seed()]).toEqual([log, seed])
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([])
  })

  it('of something else, or of what nobody asked, is refused before anything is written', async () => {
    const { conflict_id } = await lab.ask('workspace')
    await lab.resolve(conflict_id, 'A worktree')
    const before = [lab.log(), lab.seed(), lab.files()]
    for (const [id, definition, code] of [
      [conflict_id, 'A folder', 'GLOSSARY_ALREADY_RESOLVED'],
      ['01J00000000000000000000000', 'A folder', 'GLOSSARY_CONFLICT_UNKNOWN'],
    ] as const) {
      await expect(lab.resolve(id, definition)).rejects.toMatchObject({ code })
    }
    expect([lab.log(), lab.seed(), lab.files()]).toEqual(before)
  })

  it('that is sent a second time, as after the death of a thread, is the same one', async () => {
    const { conflict_id } = await lab.ask('workspace')
    const entry = lab.resolution(conflict_id, 'workspace', 'A worktree')
    const first = await lab.ledger().record(lab.mission, entry)
    const again = await lab.ledger().record(lab.mission, entry)
    expect(again).toEqual({ ...first, duplicate: true, changed: false })
    expect(lab.rows()).toHaveLength(2)
  })

  it('that somebody else wrote is on the disk before it is answered (L1)', async () => {
    const { conflict_id } = await lab.ask('workspace')
    await lab.resolve(conflict_id, 'A worktree')
    const synced: string[] = []
    const ledger = lab.ledger({
      onStep: (step, path) => void (step === 'fsync' && synced.push(path)),
    })
    await ledger.record(lab.mission, lab.resolution(conflict_id, 'workspace', 'A worktree'))
    expect(synced).toEqual([lab.logPath, dirname(lab.logPath)])
  })

  it('by several at once is recorded by one, and the other ones are told', async () => {
    const { conflict_id } = await lab.ask('workspace')
    const settled = await Promise.allSettled(
      ['one', 'two', 'one', 'three'].map((meaning) => lab.resolve(conflict_id, meaning)),
    )
    const won = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(won.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(lab.rows()).toHaveLength(2)
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([])
  })

  it('leaves nothing of itself in the git directory but the note of its event', async () => {
    const { conflict_id } = await lab.ask('workspace')
    await lab.resolve(conflict_id, 'A worktree')
    const state = join(lab.repository.commonDir, 'kittiwake')
    const left = readdirSync(state, { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => !name.endsWith('.db')).sort()).toEqual([
      'unqueued',
      ...lab.events.map((id) => join('unqueued', `${id}.json`)).sort(),
    ])
  })
})

describe('the file of a scope', () => {
  it('keeps its rights, and what stands around', async () => {
    const text = '# ours\nterms:\n  # first\n  - surface: a\n    definition: x\n    extra: 1\n'
    lab.writeSeed(text)
    chmodSync(join(lab.root, SCOPE_FILE), 0o640)
    await lab.define('b', 'y')
    expect(lab.seed().startsWith(text)).toBe(true)
    expect(statSync(join(lab.root, SCOPE_FILE)).mode & 0o777).toBe(0o640)
  })

  it.each([
    ['is no YAML', 'terms: [\n'],
    ['has no list', 'terms: 5\n'],
    ['holds more than one document', 'terms: []\n---\nterms: []\n'],
  ])(
    'that %s is refused before anything is written, and never overwritten (L14)',
    async (_, text) => {
      const { conflict_id } = await lab.ask('workspace')
      lab.writeSeed(text)
      const before = [lab.log(), lab.files()]
      const refused = { code: 'GLOSSARY_SEED_UNUSABLE' }
      await expect(lab.resolve(conflict_id, 'A worktree')).rejects.toMatchObject(refused)
      await expect(lab.define('b', 'y')).rejects.toMatchObject(refused)
      expect([lab.log(), lab.files(), lab.seed()]).toEqual([...before, text])
      // Who gives no meaning asks nothing of it.
      await lab.observe('workspace')
      await lab.ask('workspace')
      expect(findingsOf(checkGlossary(lab.repository))).toHaveLength(1)
    },
  )

  it('behind a symbolic link is refused, wherever the link stands', async () => {
    const elsewhere = join(lab.root, 'elsewhere')
    mkdirSync(elsewhere)
    mkdirSync(join(lab.root, '.kittify'), { recursive: true })
    symlinkSync(elsewhere, join(lab.root, '.kittify', 'glossaries'))
    await expect(lab.define('b', 'y')).rejects.toMatchObject({ code: 'GLOSSARY_SEED_UNUSABLE' })
    expect(readdirSync(elsewhere)).toEqual([])
  })

  it('that was edited by hand since stays so', async () => {
    await lab.define('a', 'x')
    lab.writeSeed(lab.seed().replace('x', 'by hand'))
    await lab.define('b', 'y')
    expect(lab.seed()).toContain('by hand')
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([
      `${SCOPE_FILE} says otherwise of a than the logs`,
    ])
  })

  it('that somebody writes to at this moment keeps what they wrote', async () => {
    lab.writeSeed('terms: []\n')
    const ledger = lab.ledger({
      onStep: (step, path) => {
        if (step === 'append' && path === lab.logPath) lab.writeSeed('# mine\nterms: []\n')
      },
    })
    await lab.define('a', 'x', ledger)
    expect(lab.seed()).toMatch(/^# mine\nterms:\n {2}- surface: a\n/)
  })

  it('is filled from the logs where it is lacking, and then not again', async () => {
    const text = '# ours\nterms:\n  - surface: z\n    definition: x\n'
    await lab.define('a', 'x')
    await lab.define('a', 'y')
    const { conflict_id } = await lab.ask('b')
    await lab.resolve(conflict_id, 'z')
    lab.writeSeed(text)
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([
      `${SCOPE_FILE} lacks a`,
      `${SCOPE_FILE} lacks workspace`,
    ])
    expect(await lab.ledger().replay()).toEqual(['team_domain'])
    expect(lab.seed()).toContain('# ours')
    expect(lab.seed()).toContain('definition: "y"')
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([])
    expect(await lab.ledger().replay()).toEqual([])
  })
})

describe('the log', () => {
  it('says whether a meaning is the first of its term', async () => {
    await lab.define('a', 'x')
    await lab.define('a', 'y')
    const types = lab.rows().map((row) => row['update_type'])
    expect(types).toEqual(['create', 'update'])
  })

  it('is appended to behind a torn end, and served around lines that are none', async () => {
    await lab.define('a', 'x')
    appendFileSync(lab.logPath, 'not json\n{"event_type": 5}\n{"event_id": "01J')
    const ledger = lab.ledger()
    await lab.define('b', 'y', ledger)
    expect(ledger.takeWarnings().map(({ code }) => code)).toEqual(['LOG_TAIL_MOVED'])
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([
      `${lab.mission}.events.jsonl: line 2: not valid JSON`,
      `${lab.mission}.events.jsonl: line 3: without a type`,
    ])
    expect(lab.log().trimEnd().split('\n')).toHaveLength(4)
  })

  it('of other writers is read: rows without ids, with Z, with capital terms', async () => {
    mkdirSync(dirname(lab.logPath), { recursive: true })
    const sense = { surface: 'Workspace', scope: 'team_domain', definition: 'D', confidence: 0.9 }
    const rows = [
      {
        event_type: 'GlossaryClarificationRequested',
        conflict_id: 'c1',
        term: 'Workspace',
        question: 'Which?',
        options: ['D', 'E'],
        timestamp: '2026-02-16T12:01:00Z',
      },
      {
        event_type: 'GlossaryClarificationResolved',
        conflict_id: 'c1',
        term_surface: 'Workspace',
        selected_sense: sense,
      },
    ]
    writeFileSync(lab.logPath, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    expect(await lab.ledger().replay()).toEqual(['team_domain'])
    expect(lab.seed()).toContain('surface: workspace')
    expect(await lab.resolve('c1', 'D')).toMatchObject({ duplicate: true, event_id: 'c1' })
    await expect(lab.resolve('c1', 'E')).rejects.toMatchObject({
      code: 'GLOSSARY_ALREADY_RESOLVED',
    })
  })

  it.each(['a b', 'a@b', '.a', 'a..b', '../a', ''])(
    'of a mission called %j is refused, so that no two missions share one',
    async (mission) => {
      const asked = lab.ledger().record(mission, lab.definition('a', 'x'))
      await expect(asked).rejects.toMatchObject({ code: 'GLOSSARY_MISSION_NAME' })
      expect(existsSync(join(lab.root, '.kittify'))).toBe(false)
    },
  )

  it('that is a link is refused', async () => {
    mkdirSync(dirname(lab.logPath), { recursive: true })
    symlinkSync(join(lab.root, 'elsewhere'), lab.logPath)
    await expect(lab.define('a', 'x')).rejects.toMatchObject({ code: 'LEDGER_PATH_UNSAFE' })
    expect(existsSync(join(lab.root, 'elsewhere'))).toBe(false)
  })

  it('takes nothing that could not have come through the sanitizer (L4)', async () => {
    const ledger = lab.ledger({
      assertClean: (value) => {
        if (JSON.stringify(value).includes('secret')) throw new Error('not clean')
      },
    })
    await expect(lab.define('a', 'secret', ledger)).rejects.toThrow('not clean')
    expect(existsSync(lab.logPath)).toBe(false)
    expect(lab.files()).toEqual([])
  })
})

describe('the note of rows on their way', () => {
  const mark = (): string => join(lab.repository.commonDir, 'kittiwake', 'glossary.json')

  it('that is damaged is set aside and named', async () => {
    await lab.observe('a')
    writeFileSync(mark(), '{"mission":')
    const ledger = lab.ledger()
    await lab.define('a', 'x', ledger)
    expect(ledger.takeWarnings().map(({ code }) => code)).toEqual(['SEED_MARK_DAMAGED'])
    expect(existsSync(mark())).toBe(false)
  })

  it('waits where the file can not be changed, and stops only who needs the file', async () => {
    await lab.define('a', 'x')
    const [row] = lab.rows()
    writeFileSync(mark(), JSON.stringify({ mission: lab.mission, event_ids: [row?.['event_id']] }))
    lab.writeSeed('terms: 5\n')
    const ledger = lab.ledger()
    await lab.observe('b', ledger)
    expect(ledger.takeWarnings().map(({ code }) => code)).toEqual(['SEED_UNWRITTEN'])
    await expect(lab.define('b', 'y', ledger)).rejects.toMatchObject({
      code: 'GLOSSARY_SEED_UNUSABLE',
    })
    lab.writeSeed('terms: []\n')
    await lab.observe('b', ledger)
    expect(lab.seed()).toContain('surface: a')
    expect(existsSync(mark())).toBe(false)
  })
})
