/** The keys. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Dashboard } from '../dashboard.ts'
import { KEYS } from '../keys.ts'

export function Help({ dashboard }: { readonly dashboard: Dashboard }) {
  const box = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => box.current?.showModal(), [])
  return (
    <dialog ref={box} class="help" aria-label="Keys" onClose={() => dashboard.help(false)}>
      <header>
        <h2>Keys</h2>
        <button type="button" class="quiet" onClick={() => dashboard.help(false)}>
          Close
        </button>
      </header>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
