"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";
  document.body.classList.add("scripted");

  // What a reader chose survives a reload; pages from a file may be refused a store.
  const store = {
    get: (key) => { try { return sessionStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { sessionStorage.setItem(key, value); } catch { /* forgotten */ } },
  };

  const clock = (seconds) => {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
  };
  const times = [[0, 0], ...JSON.parse(document.body.dataset.times)];
  const timeAt = (step) => {
    const next = times.findIndex(([at]) => at >= step);
    if (next < 0 || times.length < 2) return "";
    if (next === 0) return clock(times[0][1]);
    const [a, s] = times[next - 1], [b, t] = times[next];
    return clock(b > a ? s + (step - a) / (b - a) * (t - s) : t);
  };
  const count = (value) => Math.round(value).toLocaleString("en");
  const figure = (value) => Math.abs(value) >= 10000 ? count(value) : `${+value.toPrecision(4)}`;

  // Previews: one is shown, and the slider chooses.
  const frames = all(".frame"), slider = document.getElementById("preview");
  if (slider) {
    document.body.classList.add("sliding");
    const output = document.getElementById("previewstep");
    const show = () => {
      frames.forEach((frame, index) => {
        frame.hidden = index !== +slider.value;
        if (frame.hidden) all("audio", frame).forEach((audio) => audio.pause());
      });
      const step = +frames[+slider.value].dataset.step, time = timeAt(step);
      output.textContent = `step ${count(step)}` + (time && `, after ${time}`);
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    slider.addEventListener("input", () => {
      store.set("preview", +slider.value < +slider.max ? slider.value : "");
      show();
    });
    slider.value = store.get("preview") || slider.max;
    show();
  }

  // A clip of a spectrogram plays its part of the sound.
  for (const frame of frames) {
    const audio = frame.querySelector("audio");
    let playing = null;
    const mark = (clip) => {
      playing?.classList.remove("playing");
      playing = clip;
      playing?.classList.add("playing");
    };
    for (const clip of all(".clip", frame)) {
      clip.addEventListener("click", () => {
        audio.currentTime = +clip.dataset.begin;
        mark(clip);
        audio.play().catch(() => mark(null));
      });
    }
    audio?.addEventListener("timeupdate", () => {
      if (playing && audio.currentTime >= +playing.dataset.end) audio.pause();
    });
    audio?.addEventListener("pause", () => mark(null));
  }

  // One sound at a time.
  document.addEventListener("play", ({ target }) => {
    all("audio").forEach((audio) => { if (audio !== target) audio.pause(); });
  }, true);

  for (const chart of all(".chart")) {
    const { end, over, joined, scales, series, box } = JSON.parse(chart.dataset.chart);
    const [left, top, right, bottom] = box;
    const svg = chart.querySelector("svg"), readout = chart.querySelector(".readout");
    const cursor = chart.querySelector(".cursor"), toggle = chart.querySelector(".logswitch");
    const title = chart.querySelector("h3").textContent;
    const stops = [...new Set(Object.values(series).flat().map(([step]) => step))]
      .sort((a, b) => a - b);
    let stop = -1;
    const x = (step) => left + step / Math.max(end, 1) * (right - left);
    const y = (value) => {
      const log = toggle?.checked, map = log ? Math.log : (v) => v;
      const [low, high] = scales[log ? "log" : "linear"].map(map);
      return bottom - (map(value) - low) / (high - low) * (bottom - top);
    };
    // What is drawn at a step: a point, or where curves are joined, the line between two or the end.
    const pointAt = (points, step) => {
      const next = points.findIndex(([at]) => at >= step);
      if (points[next]?.[0] === step) return points[next];
      if (!joined || next === 0) return undefined;
      if (next < 0) return points.at(-1);
      const [[a, v], [b, w]] = points.slice(next - 1, next + 1), part = (step - a) / (b - a);
      return [step, toggle?.checked ? v * (w / v) ** part : v + part * (w - v)];
    };
    const add = (name, attributes) => {
      const node = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      cursor.append(node);
    };
    const read = (index) => {
      stop = Math.max(0, Math.min(stops.length - 1, index));
      const step = stops[stop], words = [];
      if (over === "seconds") words.push(clock(step));
      else words.push(`step ${count(step)}`, timeAt(step));
      cursor.replaceChildren();
      add("line", { x1: x(step), x2: x(step), y1: top, y2: bottom });
      const phase = all(".phase", svg).findLast((rect) => +rect.getAttribute("x") <= x(step));
      if (phase) words.push(phase.textContent);
      Object.entries(series).forEach(([name, points], number) => {
        const point = pointAt(points, step);
        if (!point) return;
        words.push(`${name} ${figure(point[1])}`);
        add("circle", { cx: x(point[0]), cy: y(point[1]), r: 5, class: `dot s${number}` });
      });
      cursor.removeAttribute("hidden");
      readout.textContent = words.filter(Boolean).join(" \u00b7 ");
    };
    const clear = () => {
      cursor.setAttribute("hidden", "");
      readout.textContent = "\u00a0";
      stop = -1;
    };
    const point = (event) => {
      const area = svg.getBoundingClientRect();
      const at = (event.clientX - area.left) / area.width * svg.viewBox.baseVal.width;
      const step = (at - left) / (right - left) * end;
      let nearest = 0;
      stops.forEach((each, index) => {
        if (Math.abs(each - step) < Math.abs(stops[nearest] - step)) nearest = index;
      });
      read(nearest);
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") clear(); });
    svg.addEventListener("blur", clear);
    svg.addEventListener("keydown", (event) => {
      const last = stops.length - 1, page = Math.max(1, Math.round(last / 10));
      const to = {
        ArrowLeft: stop < 0 ? last : stop - 1, ArrowRight: stop + 1, Home: 0, End: last,
        PageUp: stop - page, PageDown: stop + page,
      }[event.key];
      if (event.key === "Escape") clear();
      if (to === undefined) return;
      event.preventDefault();
      read(to);
    });
    const keys = all(".key", chart);
    keys.forEach((key, number) => key.addEventListener("click", () => {
      const chosen = key.getAttribute("aria-pressed") !== "true";
      keys.forEach((each) => each.setAttribute("aria-pressed", chosen && each === key));
      all(".line, .single, .band, .dot", svg).forEach((mark) => {
        mark.classList.toggle("dim", chosen && !mark.classList.contains(`s${number}`));
      });
    }));
    if (toggle) {
      const swap = () => {
        chart.querySelector("g.linear").toggleAttribute("hidden", toggle.checked);
        chart.querySelector("g.log").toggleAttribute("hidden", !toggle.checked);
        store.set(`log ${title}`, toggle.checked ? "1" : "0");
        if (stop >= 0) read(stop);
      };
      const chosen = store.get(`log ${title}`);
      if (chosen) toggle.checked = chosen === "1";
      toggle.addEventListener("change", swap);
      swap();
    }
  }

  // While training goes on the file is written anew; nobody is interrupted who listens or reads.
  const reload = document.getElementById("reload");
  if (document.body.dataset.live === "1" && reload) {
    reload.checked = store.get("reload") !== "0";
    reload.addEventListener("change", () => store.set("reload", reload.checked ? "1" : "0"));
    setInterval(() => {
      const busy = document.hidden || all("audio").some((audio) => !audio.paused)
        || document.activeElement?.matches("input[type=range], svg");
      if (reload.checked && !busy) location.reload();
    }, 30000);
  }
})();
