/** How the processes fare: workers' lives, depths of queues, memory, and delay, over the minutes before the moment. */
import type { Inspector } from '../inspector.ts'
import type { Entry, MessageOf } from '../model/entry.ts'
import { lifecycles } from '../model/lifecycle.ts'
import { count, duration, visible } from '../../../page/text.ts'
import { Plot } from '../../../page/plot.tsx'

/** Figures come once a second. */
const FIGURES_MAX = 120

type Figures = Entry<MessageOf<'kittiwake.figures'>>

export function HealthPane({ inspector }: { readonly inspector: Inspector }) {
  const { history, now } = inspector
  const processes = [...history.threads.keys()].filter(
    (process) => history.figures(process, now) !== undefined,
  )
  if (processes.length === 0) {
    return <p class="empty">Figures come once a second. None was told up to this moment.</p>
  }
  return (
    <div class="health scroll" tabIndex={0}>
      {processes.map((process) => (
        <ProcessHealth key={process} inspector={inspector} process={process} />
      ))}
    </div>
  )
}

function ProcessHealth({
  inspector,
  process,
}: {
  readonly inspector: Inspector
  readonly process: string
}) {
  const { history, now } = inspector
  const figures = history.figuresBefore(process, now, FIGURES_MAX)
  const last = figures.at(-1)?.message
  if (last === undefined) return null
  const to = history.at(now)?.message.mono ?? last.mono
  const from = Math.min(figures[0]?.message.mono ?? to, to - 1_000)
  const threads = last.threads.map(({ thread }) => thread)
  return (
    <article>
      <header class="chart-head">
        <h2>process {visible(process.split('.')[0] ?? process)}</h2>
        <span class="faint">the {duration(to - from)} before this moment</span>
      </header>
      <h3>Workers</h3>
      <div class="lives">
        {lifecycles(history, process, now, { from, to }).map(({ id, name, state, bands }) => (
          <div key={id} class="life" data-worker={name}>
            <button
              type="button"
              class="link"
              onClick={() => {
                inspector.choose(id)
                inspector.show({ tab: 'chart' })
              }}
            >
              {visible(name)}
            </button>
            <svg
              class="bands"
              viewBox="0 0 1000 14"
              preserveAspectRatio="none"
              role="img"
              aria-label={`${visible(name)}: ${visible(state)}`}
            >
              {bands.map((band) => (
                <rect
                  key={`${band.from}`}
                  class={band.mood}
                  x={band.from * 1000}
                  y="0"
                  width={Math.max(3, (band.to - band.from) * 1000)}
                  height="14"
                >
                  <title>{visible(band.state)}</title>
                </rect>
              ))}
            </svg>
            <span class="faint">{visible(state)}</span>
          </div>
        ))}
      </div>
      <h3>Queues</h3>
      <div class="plots">
        {threads.map((thread) => (
          <Plot
            key={thread}
            name={`${visible(thread)}: unanswered`}
            values={figures.map((one) => ofThread(one, thread))}
            show={count}
          />
        ))}
        {Object.keys(last.queues).map((name) => (
          <Plot
            key={name}
            name={visible(name)}
            values={figures.map(({ message }) => depthOf(message.queues, name))}
            show={count}
          />
        ))}
      </div>
      <h3>Process</h3>
      <div class="plots">
        <Plot
          name="events a second"
          values={figures.map(({ message }) => message.events)}
          show={count}
        />
        <Plot
          name="left out a second"
          values={figures.map(({ message }) => message.leftOut)}
          show={count}
        />
        <Plot
          name="memory"
          values={figures.map(({ message }) => message.residentMb)}
          show={(mb) => `${count(Math.round(mb))} MB`}
        />
        <Plot
          name="delay of the loop"
          values={figures.map(({ message }) => message.loopDelayMs)}
          show={duration}
        />
      </div>
    </article>
  )
}

function ofThread({ message }: Figures, thread: string): number {
  return message.threads.find((one) => one.thread === thread)?.unanswered ?? 0
}

function depthOf(queues: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(queues, name) ? Number(queues[name]) : 0
}
