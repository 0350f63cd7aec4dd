/** How much happened, as the hub received it. */
import { count } from '../../../page/text.ts'
import { Plot } from '../../../page/plot.tsx'
import type { Dashboard } from '../dashboard.ts'
import type { Hour } from '../model/types.ts'
import { spans } from '../model/words.ts'
import { Empty, Waiting } from './parts.tsx'

const KINDS: readonly (readonly [string, (hour: Hour) => number])[] = [
  ['events', ({ events }) => events],
  ['commits', ({ commits }) => commits],
  ['moves and decisions', ({ rows }) => rows],
]
const RANGES = [
  { title: 'The last 48 hours, by the hour', count: 48, hoursEach: 1 },
  { title: 'The last 30 days, by the day', count: 30, hoursEach: 24 },
] as const

export function ActivityPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { hours, faults } = dashboard.ledgers
  if (hours === null) return <Waiting fault={faults.get('activity')} />
  if (hours.length === 0) {
    return <Empty title="Nothing came yet">What the team sends is counted here by the hour.</Empty>
  }
  return (
    <section class="column activity" aria-label="Activity">
      {RANGES.map((range) => (
        <article key={range.title}>
          <h2 class="column-title">{range.title}</h2>
          <div class="plots">
            {KINDS.map(([name, of]) => {
              const values = spans(hours, of, { ...range, now: Date.now() })
              const sum = values.reduce((all, value) => all + value, 0)
              return (
                <Plot
                  key={name}
                  name={`${name}, ${count(sum)} in all`}
                  values={values}
                  show={count}
                />
              )
            })}
          </div>
        </article>
      ))}
    </section>
  )
}
