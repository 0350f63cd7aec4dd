/** The glossary through the door: what it takes, what the team is told of, and that nothing personal gets in. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Runtime } from '#dist/index.js'
import { foldGlossary } from '#dist/contracts/ledgers/fold-glossary.js'
import { SCOPES } from '#dist/contracts/ledgers/glossary-sense.js'
import type { Scope } from '#dist/contracts/ledgers/glossary-sense.js'
import { readSeed } from '#dist/project/glossary-seed.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { readMission } from '#dist/project/missions/missions.js'
import { checkGlossary, findingsOf, readGlossary } from '#dist/read-glossary.js'
import { inTimeOrder, readGlossaryLogs } from '#dist/workers/git/logs/glossary-log.js'
import { findCanaries } from './support/canary-scan.ts'
import { RuntimeWorld } from './support/runtime-world.ts'
import { SeededRandom } from './support/seeded-random.ts'

type Opened = { world: RuntimeWorld; runtime: Runtime; mission: string; uuid: string }

async function opened(): Promise<Opened> {
  const world = new RuntimeWorld()
  const uuid = await world.init()
  const mission = await world.createMission('harbour')
  return { world, runtime: await world.open(), mission, uuid }
}

const logOf = ({ world, mission }: Opened): string =>
  join(world.root, '.kittify/events/glossary', `${mission}.events.jsonl`)
const seedOf = ({ world }: Opened, scope: Scope = 'team_domain'): string =>
  readFileSync(join(world.root, '.kittify/glossaries', `${scope}.yaml`), 'utf8')
const rows = (place: Opened): Record<string, unknown>[] =>
  readFileSync(logOf(place), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
const outbox = ({ runtime, world, uuid }: Opened) => {
  expect(runtime.system.workerStates.git).toBe('ready')
  return world.events(uuid).map(({ event_id }) => event_id)
}

type Call = (glossary: Runtime['glossary'], mission: string) => Promise<unknown>

const REFUSED: readonly (readonly [string, Call, string])[] = [
  [
    'a term of white space',
    (g, mission) => g.observe({ mission, term: ' \u0085' }),
    'GLOSSARY_INVALID',
  ],
  ['a term in two lines', (g, mission) => g.observe({ mission, term: 'a\nb' }), 'GLOSSARY_INVALID'],
  [
    'a confidence of 2',
    (g, mission) => g.observe({ mission, term: 'a', confidence: 2 }),
    'GLOSSARY_INVALID',
  ],
  [
    'a scope that is none',
    (g, mission) => g.observe({ mission, term: 'a', scope: 'x' as Scope }),
    'GLOSSARY_INVALID',
  ],
  [
    'a field that nobody knows',
    (g, mission) => g.observe({ mission, term: 'a', meaning: 'x' } as never),
    'GLOSSARY_INVALID',
  ],
  [
    'a question without words',
    (g, mission) => g.request({ mission, term: 'a', question: ' ' }),
    'GLOSSARY_INVALID',
  ],
  [
    'a mission that is not there',
    (g) => g.observe({ mission: 'nowhere', term: 'a' }),
    'MISSION_NOT_FOUND',
  ],
  [
    'an id that nobody asked',
    (g, mission) => g.resolve({ mission, conflict_id: 'x', select: 1 }),
    'GLOSSARY_CONFLICT_UNKNOWN',
  ],
  [
    'a fact of a type that has a call of its own',
    (g, mission) =>
      g.record({ mission, event_type: 'GlossaryClarificationResolved' as never, fields: {} }),
    'GLOSSARY_INVALID',
  ],
  [
    'a fact without its fields',
    (g, mission) => g.record({ mission, event_type: 'StepCheckpointed', fields: {} }),
    'GLOSSARY_INVALID',
  ],
  [
    'a fact that stamps itself',
    (g, mission) =>
      g.record({
        mission,
        event_type: 'GlossaryStrictnessSet',
        fields: { new_strictness: 'max', event_id: 'x' },
      }),
    'GLOSSARY_INVALID',
  ],
]

describe('a term', () => {
  it('is observed in its one spelling, and means what it is said to mean when the call returns', async () => {
    const place = await opened()
    const { runtime, mission } = place
    expect(await runtime.glossary.observe({ mission, term: '  Work  Space ' })).toMatchObject({
      term: 'work space',
      seed: null,
      changed: false,
    })
    const defined = {
      mission,
      term: 'Work Space',
      definition: 'A tree\r\nof git ',
      confidence: 0.5,
    }
    const first = await runtime.glossary.observe(defined)
    expect(first).toMatchObject({ seed: '.kittify/glossaries/team_domain.yaml', changed: true })
    expect(seedOf(place)).toBe(
      'terms:\n  - surface: work space\n    definition: |-\n      A tree\n      of git\n' +
        '    confidence: 0.5\n    status: active\n',
    )
    expect(await runtime.glossary.observe(defined)).toMatchObject({ changed: false })
    expect(rows(place).map((row) => row['event_type'])).toEqual([
      'TermCandidateObserved',
      'TermCandidateObserved',
      'GlossarySenseUpdated',
      'TermCandidateObserved',
      'GlossarySenseUpdated',
    ])
    expect(rows(place).every(({ timestamp }) => /\.\d{6}\+00:00$/.test(String(timestamp)))).toBe(
      true,
    )
  })

  it('goes no way to the queue: ten steps, 300 senses, no write, no thread of the store', async () => {
    const place = await opened()
    const { runtime, mission, world, uuid } = place
    for (let step = 1; step <= 10; step += 1) {
      const at = { mission, step: `step-${step}` }
      await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          runtime.glossary.observe({
            ...at,
            term: `term ${n % 10}`,
            definition: `as of ${step}.${n}`,
          }),
        ),
      )
      await runtime.glossary.record({
        ...at,
        event_type: 'StepCheckpointed',
        fields: {
          strictness: 'medium',
          step_id: `step-${step}`,
          scope_refs: [],
          input_hash: 'ab12'.repeat(16),
          cursor: 'post_gate',
          retry_token: '5f0c6e0e-3c5b-4d53-9c5a-0f0d5f3e8a11',
        },
      })
    }
    expect(rows(place).filter((row) => row['event_type'] === 'GlossarySenseUpdated')).toHaveLength(
      300,
    )
    expect(seedOf(place).match(/definition: as of 10\.2\d\n/g)).toHaveLength(10)
    expect(world.events(uuid)).toEqual([])
    expect(runtime.system.workerStates.store).toBe('idle')
    expect(existsSync(join(world.root, '.git/kittiwake/unqueued'))).toBe(false)
  })
})

describe('a clarification', () => {
  it('is asked, chosen, written into the file, and told to the team, each once', async () => {
    const place = await opened()
    const { runtime, mission } = place
    const asked = await runtime.glossary.request({
      mission,
      term: 'Workspace',
      question: 'Which?',
      options: ['A worktree', 'A folder'],
      urgency: 'high',
      scope: 'mission_local',
    })
    const chosen = { mission, conflict_id: asked.conflict_id, select: 2 }
    const settled = await runtime.glossary.resolve(chosen)
    expect(settled).toEqual({
      event_id: expect.any(String) as string,
      conflict_id: asked.conflict_id,
      term: 'workspace',
      definition: 'A folder',
      scope: 'mission_local',
      seed: '.kittify/glossaries/mission_local.yaml',
      changed: true,
      recorded: true,
      route: 'queued',
    })
    const again = await runtime.glossary.resolve(chosen)
    expect(again).toEqual({ ...settled, changed: false, recorded: false, route: null })
    expect(outbox(place)).toEqual([asked.event_id, settled.event_id])
    expect(rows(place).map((row) => row['event_id'])).toEqual([asked.event_id, settled.event_id])
    expect(seedOf(place, 'mission_local')).toContain('definition: A folder')
    await expect(runtime.glossary.resolve({ ...chosen, select: 1 })).rejects.toMatchObject({
      code: 'GLOSSARY_ALREADY_RESOLVED',
    })
    expect(outbox(place)).toHaveLength(2)
  })

  it('that a meaning of its own settles is two rows, of which the team hears one, as the wire contract says', async () => {
    const place = await opened()
    const { runtime, mission } = place
    const told: Record<string, unknown>[] = []
    runtime.inspect((event) => {
      if (event.type !== '@xstate.event' || !('command' in event.event)) return
      const { command } = event.event as unknown as { command: { type: string; events?: string[] } }
      if (command.type !== 'store.append') return
      told.push(
        ...(command.events ?? []).map((text) => JSON.parse(text) as Record<string, unknown>),
      )
    })
    const { conflict_id } = await runtime.glossary.request({
      mission,
      term: 'a',
      question: 'Which?',
      options: ['one'],
    })
    await runtime.glossary.resolve({ mission, conflict_id, definition: 'mine', actor: 'rita' })
    const [, updated, resolved] = rows(place)
    expect([updated?.['event_type'], resolved?.['event_type']]).toEqual([
      'GlossarySenseUpdated',
      'GlossaryClarificationResolved',
    ])
    expect(resolved).toMatchObject({
      actor: { actor_id: 'rita', actor_type: 'human', display_name: 'rita' },
      provenance: { actor_id: 'rita', source: 'user_clarification' },
    })
    expect(outbox(place)).toHaveLength(2)
    const payloadOf = (type: string) =>
      told.find((event) => event['event_type'] === type)?.['payload']
    const request = payloadOf('GlossaryClarificationRequested') as
      | Record<string, unknown>
      | undefined
    const resolution = payloadOf('GlossaryClarificationResolved') as typeof request
    // `contracts.md` lists these as required, texts of at least one character.
    const required = [
      'mission_id',
      'scope_id',
      'step_id',
      'semantic_check_event_id',
      'term',
      'actor',
    ]
    for (const key of required) expect(request?.[key]).toMatch(/./)
    expect(request).toMatchObject({ question: 'Which?', options: ['one'], urgency: 'medium' })
    // By it the contract counts what is open, and takes three.
    expect(request?.['semantic_check_event_id']).toBe(rows(place)[0]?.['event_id'])
    for (const key of ['mission_id', 'clarification_event_id', 'selected_meaning', 'actor']) {
      expect(resolution?.[key]).toMatch(/./)
    }
    expect(resolution?.['clarification_event_id']).toBe(told[0]?.['event_id'])
  })

  it('whose event could not be queued is queued by the next command', async () => {
    const place = await opened()
    const { world, mission, uuid } = place
    const full = await world.open({ capacity: 1 })
    const warnings: string[] = []
    full.on('warning', ({ code }) => warnings.push(code))
    const ask = (runtime: Runtime) =>
      runtime.glossary.request({ mission, term: 'a', question: 'Which?' })
    const first = await ask(full)
    const second = await ask(full)
    expect([first.route, second.route]).toEqual(['queued', null])
    expect(warnings).toContain('OUTBOX_FULL')
    await full.stop()
    await place.runtime.glossary.observe({ mission, term: 'b' })
    expect(world.events(uuid).map(({ event_id }) => event_id)).toEqual([
      first.event_id,
      second.event_id,
    ])
  })
})

describe('the door', () => {
  it('refuses what it can not take, and writes nothing', async () => {
    const { world, runtime, mission } = await opened()
    for (const [what, call, code] of REFUSED) {
      const refused = expect(call(runtime.glossary, mission), what).rejects
      await refused.toMatchObject({ code })
    }
    expect(existsSync(join(world.root, '.kittify/events'))).toBe(false)
    expect(existsSync(join(world.root, '.kittify/glossaries'))).toBe(false)
  })

  it('asks for exactly one of a number that there is and a meaning', async () => {
    const place = await opened()
    const { runtime, mission } = place
    const options = ['one', ' ']
    const asked = { mission, term: 'a', question: 'Which?', options: ['one'] }
    await expect(runtime.glossary.request({ ...asked, options })).rejects.toMatchObject({
      code: 'GLOSSARY_INVALID',
    })
    const { conflict_id } = await runtime.glossary.request(asked)
    for (const [choice, code] of [
      [{}, 'GLOSSARY_CHOICE'],
      [{ select: 1, definition: 'x' }, 'GLOSSARY_CHOICE'],
      [{ select: 2 }, 'GLOSSARY_OPTION_UNKNOWN'],
    ] as const) {
      await expect(
        runtime.glossary.resolve({ mission, conflict_id, ...choice }),
      ).rejects.toMatchObject({ code })
    }
    expect(rows(place)).toHaveLength(1)
  })

  it('keeps every type in the log, with its stamp', async () => {
    const place = await opened()
    const { runtime, mission } = place
    const facts = [
      ['GlossaryScopeActivated', { scope_id: 'team_domain', glossary_version_id: '3' }],
      ['GlossaryStrictnessSet', { new_strictness: 'max' }],
      [
        'SemanticCheckEvaluated',
        {
          step_id: 's',
          findings: [{ term: { surface_text: 'a' }, confidence: 1 }],
          overall_severity: 'high',
          confidence: 1,
          effective_strictness: 'medium',
          recommended_action: 'block',
          blocked: true,
        },
      ],
      [
        'GenerationBlockedBySemanticConflict',
        { step_id: 's', conflicts: [], strictness_mode: 'max', effective_strictness: 'max' },
      ],
    ] as const
    for (const [event_type, fields] of facts) {
      await runtime.glossary.record({ mission, event_type, fields, run: 'r1' })
    }
    expect(rows(place).map((row) => [row['event_type'], row['run_id']])).toEqual(
      facts.map(([type]) => [type, 'r1']),
    )
    expect(readFileSync(logOf(place), 'utf8').match(/"confidence": 1\.0/g)).toHaveLength(2)
  })

  it('lets nothing personal into the log, the file and the queue (L4)', async () => {
    const place = await opened()
    const { runtime, mission, world } = place
    const mail = 'velmira.oskwick@fernmail.example'
    const leak = `ask ${mail} about /home/velmira/notes`
    const token = ['ghp', '_R7wQ2nZk9LxV4bTd6YcJ1mHs8PfA3gEu5KoB'].join('')
    const [step, actor] = ['/home/velmira/x', mail]
    await runtime.glossary.observe({
      mission,
      term: mail,
      definition: leak,
      context: `password: ${token}`,
      step,
      actor,
    })
    const { conflict_id } = await runtime.glossary.request({
      mission,
      term: 'a',
      question: leak,
      options: [`${leak} ${token}`],
      step,
      actor,
    })
    // What stands in a log that somebody else wrote is no cleaner than what is handed in.
    const planted = readFileSync(logOf(place), 'utf8').replace(
      '"options": ["ask',
      `"options": ["${mail}`,
    )
    writeFileSync(logOf(place), planted)
    await runtime.glossary.resolve({ mission, conflict_id, select: 1, actor })
    await runtime.stop()
    const canaries = ['velmira', 'oskwick', token.slice(-20)]
    expect(findCanaries(join(world.root, '.kittify/glossaries'), canaries)).toEqual([])
    expect(findCanaries(world.state, canaries)).toEqual([])
    expect(findCanaries(join(world.root, '.git/kittiwake'), canaries)).toEqual([])
    writeFileSync(logOf(place), readFileSync(logOf(place), 'utf8').replaceAll(mail, ''))
    expect(findCanaries(join(world.root, '.kittify'), canaries)).toEqual([])
  })
})

describe('who only reads', () => {
  it('sees the strongest sense, what is open and what came up, and writes nothing', async () => {
    const place = await opened()
    const { runtime, mission, world } = place
    const repository = await locateRepository(world.root)
    const all = { mission: null, scope: null }
    expect(readGlossary(repository, all)).toEqual({
      senses: [],
      clarifications: [],
      candidates: [],
      faults: [],
    })
    expect(findingsOf(checkGlossary(repository))).toEqual([])
    expect(existsSync(join(world.root, '.kittify/glossaries'))).toBe(false)
    const other = await world.createMission('mole')
    await runtime.glossary.observe({ mission, term: 'b', definition: 'of the team' })
    await runtime.glossary.observe({
      mission,
      term: 'b',
      definition: 'here',
      scope: 'mission_local',
    })
    await runtime.glossary.observe({ mission, term: 'c' })
    await runtime.glossary.request({ mission: other, term: 'd', question: 'Which?' })
    const found = readGlossary(repository, all)
    expect(found.senses.map(({ definition, effective }) => [definition, effective])).toEqual([
      ['here', true],
    ])
    expect(found.candidates).toEqual([{ term: 'c', count: 1 }])
    expect(found.clarifications.map(({ term, resolution }) => [term, resolution])).toEqual([
      ['d', null],
    ])
    const own = readGlossary(repository, { ...all, scope: 'team_domain' })
    expect(own.senses.map(({ definition, effective }) => [definition, effective])).toEqual([
      ['of the team', false],
    ])
    const one = { mission: await readMission(repository, mission), scope: null }
    expect(readGlossary(repository, one).clarifications).toEqual([])
  })

  it('is told what can not be read, and served the rest', async () => {
    const place = await opened()
    const { runtime, mission, world } = place
    await runtime.glossary.observe({ mission, term: 'b', definition: 'x' })
    writeFileSync(logOf(place), 'no row\n', { flag: 'a' })
    writeFileSync(join(world.root, '.kittify/glossaries/spec_kitty_core.yaml'), 'terms: 5\n')
    const { senses, faults } = readGlossary(await locateRepository(world.root), {
      mission: null,
      scope: null,
    })
    expect(senses).toHaveLength(1)
    expect(faults).toEqual([
      ".kittify/glossaries/spec_kitty_core.yaml can't be used: its terms are no list",
      `${mission}.events.jsonl: line 3: not valid JSON`,
    ])
  })
})

describe('the files of the scopes', () => {
  it('hold the old ones and the logs, replayed in any order that keeps each term', async () => {
    const place = await opened()
    const { world, runtime, mission } = place
    const other = await world.createMission('mole')
    const core = '# core\nterms:\n  - surface: b\n    definition: the old\n    see_also: [a]\n'
    await runtime.glossary.observe({ mission, term: 'z', definition: 'x' })
    writeFileSync(join(world.root, '.kittify/glossaries/spec_kitty_core.yaml'), core)
    const before = seeds(world.root)
    const random = new SeededRandom(7)
    const calls = Array.from({ length: 24 }, () => ({
      term: random.pick(['a', 'b', 'c']),
      definition: random.pick(['one', 'two', 'three']),
      scope: random.pick(SCOPES),
      isResolution: random.next() < 0.5,
      mission: random.pick([mission, other]),
    }))
    for (const { isResolution, definition, ...call } of calls) {
      if (!isResolution) await runtime.glossary.observe({ ...call, definition })
      else {
        const { conflict_id } = await runtime.glossary.request({ ...call, question: 'Which?' })
        await runtime.glossary.resolve({ mission: call.mission, conflict_id, definition })
      }
    }
    const { logs } = readGlossaryLogs(world.root)
    expect(logs).toHaveLength(2)
    const made = inTimeOrder(logs).filter(
      ({ row }) => row.family !== 'sense' || row.sense.surface !== 'z',
    )
    const replayed = foldGlossary(before, made)
    expect(seeds(world.root)).toEqual(replayed.seeds)
    expect(seedOf(place, 'spec_kitty_core')).toContain('see_also: [a]')
  })
})

function seeds(root: string) {
  return new Map(
    SCOPES.map((scope) => {
      const reading = readSeed(root, scope)
      return [scope, reading.state === 'read' ? reading.seed.entries : []] as const
    }),
  )
}
