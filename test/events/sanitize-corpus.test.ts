import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createSanitizer } from '#dist/events/sanitize.js'
import { isJsonObject, type JsonObject } from '#dist/contracts/json/json.js'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const corpus = join(dirname(fileURLToPath(import.meta.url)), '../../../shared/corpus/missions')
const isPresent = existsSync(corpus)
const isRequired = process.env['REQUIRE_SHARED'] === '1'
if (!isPresent && !isRequired) {
  process.stdout.write(
    'The sanitizer was not run over real lines: ../shared/corpus is not there.\n',
  )
}

/** Real lines; the folder holds a sample of the missions, and its lines were chosen without leaks. */
function realLines(): JsonObject[] {
  return readdirSync(corpus).flatMap((mission) => {
    const path = join(corpus, mission, 'status.events.jsonl')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line): JsonObject => JSON.parse(line))
  })
}

// Written apart from the rules: a home by its folder, an address by its bare grammar.
const LEAK =
  /\/(?:home|Users)\/[A-Za-z0-9_.-]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,12}(?![A-Za-z0-9])/
const FILE_NAME = /@[\w-]+\.(?:py|md|ts|js|json|yaml|yml|toml|sh|txt)$/

function leaks(value: unknown): boolean {
  const match = LEAK.exec(JSON.stringify(value))
  return match !== null && !FILE_NAME.test(match[0])
}

/** Where real lines leaked, with what they leaked there. */
const PLANTS: readonly ((line: JsonObject, n: number) => JsonObject)[] = [
  (line, n) => ({
    ...line,
    policy_metadata: {
      pre_review_gate: {
        reason: `baseline uncomputable — pytest rootdir: /home/person${n}/work/repo/tests (exit 2)`,
      },
    },
  }),
  (line, n) => ({
    ...line,
    type: 'RetrospectiveCaptured',
    record_path: `/Users/person${n}/Code/repo/.kittify/missions/01KT/retrospective.yaml`,
  }),
  (line, n) => ({
    ...line,
    review_result: { feedback_path: `/home/person${n}/repo/tasks/WP01/review-cycle-1.md` },
  }),
  (line, n) => ({ ...line, payload: { actor_id: `person${n}@mail.example.com` } }),
  (line, n) => ({ ...line, review_ref: `file:///home/person${n}/repo/review.md` }),
  (line, n) => ({
    ...line,
    reason: `${JSON.stringify(line['reason'])} (see /Users/person${n}/notes.md)`,
  }),
  (line, n) => ({
    ...line,
    evidence: { review: { reference: `at /home/person${n}/repo, by person${n}@mail.example.com` } },
  }),
]
const PLANTED = 460

describe.runIf(isPresent || isRequired)('real lines', () => {
  // What is passed over is collected all the same.
  const lines = isPresent || isRequired ? realLines() : []
  const sanitizer = createSanitizer(SAMPLE_IDENTITY)
  const leaking = lines.filter(leaks)

  it('are there', () => {
    expect(lines.length).toBeGreaterThan(1_000)
    expect(lines.every(isJsonObject)).toBe(true)
  })

  it('that leak are clean afterwards', () => {
    const left = leaking.filter((line) => leaks(sanitizer.sanitize(line).value))
    expect(left).toEqual([])
  })

  it(`that had a leak planted where others had one are clean afterwards, all ${PLANTED}`, () => {
    const step = Math.floor(lines.length / PLANTED)
    const left = Array.from({ length: PLANTED }, (_, n) => {
      const plant = PLANTS.at(n % PLANTS.length)
      return plant?.(lines.at(n * step) ?? {}, n)
    }).filter((line) => {
      expect(leaks(line)).toBe(true)
      return JSON.stringify(sanitizer.sanitize(line).value).includes('person')
    })
    expect(left).toEqual([])
  })

  it('that are clean stay as they are, all but 0.2 percent', () => {
    const quiet = lines.filter((line) => !leaks(line))
    const changed = quiet.filter(
      (line) => JSON.stringify(sanitizer.sanitize(line).value) !== JSON.stringify(line),
    )
    expect(changed.length / quiet.length).toBeLessThanOrEqual(0.002)
  })
})
