import { describe, expect, it } from 'vitest'
import { InputError } from '#dist/errors.js'
import { aggregateTypeOf, assertQueued, destinationOf, isQueued } from '#dist/events/route.js'
import { fc, property } from '../support/property.ts'

const LOCAL = [
  'GlossaryScopeActivated',
  'TermCandidateObserved',
  'SemanticCheckEvaluated',
  'GenerationBlockedBySemanticConflict',
  'GlossarySenseUpdated',
  'GlossaryStrictnessSet',
  'StepCheckpointed',
]
const QUEUED = [
  'GlossaryClarificationRequested',
  'GlossaryClarificationResolved',
  'WPStatusChanged',
  'MissionCreated',
  'BuildHeartbeat',
]

function refusalOf(eventType: string): InputError | null {
  try {
    assertQueued(eventType)
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return error as InputError
  }
}

describe('the route of an event type', () => {
  it.each([
    ['DecisionInputRequested', 'kittiwake decision request'],
    ['DecisionInputAnswered', 'kittiwake decision answer'],
  ])('of %s is the ledger, never the queue; the refusal names the command', (type, command) => {
    expect(destinationOf(type)).toBe('ledger')
    expect(refusalOf(type)).toMatchObject({ code: 'EVENT_LEDGER_ONLY' })
    expect(refusalOf(type)?.hint).toContain(command)
  })

  it.each(LOCAL)('of %s is the glossary log of this machine', (type) => {
    expect(destinationOf(type)).toBe('local')
    expect(refusalOf(type)).toMatchObject({ code: 'EVENT_LOCAL_ONLY' })
  })

  it.each(QUEUED)('of %s is the queue', (type) => {
    expect(destinationOf(type)).toBe('queue')
    expect(refusalOf(type)).toBeNull()
  })

  property([fc.string()])(
    'of a glossary type that a newer version adds is this machine',
    (name) => {
      const type = `Glossary${name}`
      expect(destinationOf(type)).toBe(QUEUED.includes(type) ? 'queue' : 'local')
    },
  )

  property([fc.oneof(fc.string(), fc.constantFrom(...LOCAL, ...QUEUED, '__proto__', 'toString'))])(
    'is one of three, and only the queue is not refused',
    (type) => {
      expect(['ledger', 'local', 'queue']).toContain(destinationOf(type))
      expect(refusalOf(type) === null).toBe(isQueued(type))
    },
  )

  it.each([
    ['WPStatusChanged', 'WorkPackage'],
    ['BuildHeartbeat', 'Build'],
    ['ProjectInitialized', 'Project'],
    ['MissionDossierArtifactIndexed', 'MissionDossier'],
    ['MissionCreated', 'Mission'],
    ['constructor', 'Mission'],
    ['__proto__', 'Mission'],
  ])('gives %s the aggregate kind %s', (type, kind) => {
    expect(aggregateTypeOf(type)).toBe(kind)
  })
})
