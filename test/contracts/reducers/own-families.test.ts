/** The two reducers that only we have: what planning came to, and what work has cost. */
import { describe, expect, it } from 'vitest'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import { CREATED, eventOf, idOf, moveOf } from '../../support/reducer-events.ts'

const MISSION = { mission_slug: 'nest', actor: 'tern' }

const planOf = (number: number, type: string, more: object = {}) =>
  eventOf(number, type, { ...MISSION, ...more })
const packageOf = (number: number, wp_id: string, more: object = {}) =>
  planOf(number, 'WPCreated', { wp_id, wp_title: wp_id, ...more })
const codesOf = (events: readonly object[]): readonly string[] =>
  reduceEvents('artifact', events).anomalies.map(
    ({ code, event_id }) => `${code} ${event_id.slice(-1)}`,
  )

describe('planning', () => {
  it('has phases, of which the latest completion counts', () => {
    const events = [
      planOf(1, 'PlanStarted'),
      planOf(2, 'PlanCompleted', { artifact_path: 'plan.md' }),
      planOf(3, 'PlanStarted'),
      planOf(4, 'PlanCompleted', { artifact_path: 'plan-2.md', at: '2026-06-01T09:00:00+02:00' }),
      planOf(5, 'TasksStarted'),
    ]
    const { aggregates, anomalies } = reduceEvents('artifact', events)
    expect(anomalies).toEqual([])
    expect(aggregates).toMatchObject([
      {
        key: 'nest',
        state: {
          mission_slug: 'nest',
          phases: {
            specify: { status: 'untouched', started: 0, completed: 0, latest_completion: null },
            plan: {
              status: 'completed',
              started: 2,
              completed: 2,
              latest_completion: {
                event_id: idOf(4),
                at: '2026-06-01T09:00:00+02:00',
                artifact_path: 'plan-2.md',
              },
            },
            tasks: { status: 'running', started: 1, completed: 0 },
          },
        },
      },
    ])
  })

  it('has work packages, with what befell them', () => {
    const of = { aggregate_id: 'mission/M1' }
    const events = [
      packageOf(1, 'WP01'),
      packageOf(2, 'WP02', { depends_on: ['WP01'], wp_path: 'tasks/WP02.md' }),
      moveOf(3, null, 'planned'),
      eventOf(4, 'WPAssigned', { wp_id: 'WP02', agent_id: 'gull', phase: 'implement' }, of),
      eventOf(
        5,
        'HistoryAdded',
        { wp_id: 'WP02', entry_type: 'n', entry_content: 'c', author: 'a' },
        of,
      ),
      eventOf(
        6,
        'DependencyResolved',
        { wp_id: 'WP02', dependency_wp_id: 'WP01', resolution_type: 'done' },
        of,
      ),
      eventOf(7, 'ErrorLogged', { error_type: 'E', error_message: 'm', wp_id: 'WP01' }, of),
      eventOf(8, 'ErrorLogged', { error_type: 'E', error_message: 'm' }, of),
    ]
    const { aggregates, anomalies } = reduceEvents('artifact', events)
    expect(anomalies).toEqual([])
    expect(aggregates).toMatchObject([
      {
        state: {
          errors: 1,
          work_packages: {
            WP01: { created_by: idOf(1), moves: 1, errors: 1, assigned_to: null },
            WP02: {
              path: 'tasks/WP02.md',
              depends_on: ['WP01'],
              resolved_dependencies: ['WP01'],
              assigned_to: 'gull',
              notes: 1,
            },
          },
        },
      },
    ])
  })

  it.each<[string, readonly object[], readonly string[]]>([
    ['a package that nobody made', [moveOf(1, null, 'planned')], ['orphan_work_package 1']],
    [
      'a package that is made after it moved',
      [moveOf(1, null, 'planned'), packageOf(2, 'WP01')],
      ['orphan_work_package 1'],
    ],
    [
      'a package that is made twice',
      [packageOf(1, 'WP01'), packageOf(2, 'WP01')],
      ['duplicate_start 2'],
    ],
    [
      'a phase that was not started',
      [planOf(1, 'PlanCompleted', { artifact_path: 'p' })],
      ['event_before_start 1'],
    ],
    [
      'other packages than were planned',
      [planOf(1, 'TasksStarted'), planOf(2, 'TasksCompleted', { artifact_path: 'p', wp_count: 1 })],
      ['wp_count_mismatch 2'],
    ],
    [
      'a phase before its mission',
      [planOf(1, 'PlanStarted'), eventOf(2, 'MissionCreated', CREATED)],
      ['event_before_created 1'],
    ],
    [
      'a note of no mission',
      [
        eventOf(1, 'HistoryAdded', {
          wp_id: 'WP02',
          entry_type: 'n',
          entry_content: 'c',
          author: 'a',
        }),
      ],
      ['aggregate_unknown 1'],
    ],
    [
      'a second initialization',
      [1, 2].map((number) =>
        eventOf(number, 'ProjectInitialized', { project_uuid: 'p', actor: 'a' }),
      ),
      ['duplicate_start 2'],
    ],
  ])('tells of %s', (_, events, codes) => {
    expect(codesOf(events)).toEqual(codes)
  })
})

describe('the cost of work', () => {
  const tokens = (number: number, input_tokens: number, more: object = {}) =>
    eventOf(number, 'TokenUsageRecorded', {
      mission_id: 'M1',
      input_tokens,
      output_tokens: 1,
      total_tokens: input_tokens + 1,
      estimated_cost_usd: 0.1,
      source: 'runtime',
      ...more,
    })

  it('adds up for the mission, each work package and each actor', () => {
    const actor = { actor_id: 'tern', actor_type: 'llm' }
    const events = [
      tokens(1, 10, { wp_id: 'WP01', actor }),
      tokens(2, 20, { actor }),
      tokens(3, 30, { wp_id: 'WP01' }),
      eventOf(4, 'DiffSummaryRecorded', {
        mission_id: 'M1',
        wp_id: 'WP02',
        base_ref: 'a',
        head_ref: 'b',
        files_changed: 1,
        lines_added: 2,
        lines_deleted: 3,
        source: 'git',
      }),
    ]
    const { aggregates, anomalies } = reduceEvents('analytics', events)
    expect(anomalies).toEqual([])
    expect(aggregates[0]?.state).toMatchObject({
      total: {
        events: 4,
        input_tokens: 60,
        total_tokens: 63,
        estimated_cost_usd: 0.3,
        lines_added: 2,
      },
      by_work_package: { WP01: { events: 2, input_tokens: 40 }, WP02: { files_changed: 1 } },
      by_actor: { tern: { input_tokens: 30, estimated_cost_usd: 0.2 } },
    })
  })

  it('says once where a total is beyond what a number can hold', () => {
    const events = [1, 2, 3].map((number) => tokens(number, Number.MAX_SAFE_INTEGER - 1))
    const codes = reduceEvents('analytics', events).anomalies.map(({ code }) => code)
    expect(codes).toEqual(['total_inexact'])
  })
})
