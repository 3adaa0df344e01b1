// Scales, their ticks, and numbers as text.
function linearScale([low, high], [from, to]) {
  const span = high - low || 1;
  const scale = (value) => from + ((value - low) / span) * (to - from);
  scale.ticks = (count) => {
    const step = niceStep(span / Math.max(1, count));
    const ticks = [];
    for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
      ticks.push(Number((index * step).toPrecision(12)));
    }
    return ticks;
  };
  return scale;
}

function logScale([low, high], range) {
  const inner = linearScale([Math.log10(low), Math.log10(high)], range);
  const scale = (value) => inner(Math.log10(Math.max(value, 1e-300)));
  scale.ticks = (count) => {
    const decades = Math.log10(high) - Math.log10(low);
    const steps = decades > count ? [1] : decades > count / 2 ? [1, 3] : [1, 2, 5];
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const step of steps) {
        const tick = Number((step * 10 ** power).toPrecision(6));
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    return ticks.length >= 2 ? ticks : linearScale([low, high], range).ticks(count);
  };
  return scale;
}

function niceStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  return [1, 2, 5, 10].find((step) => step * power >= raw * 0.7) * power;
}

function padded(values, share) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  // A spread of rounding errors alone would need ticks of ten digits, which no margin holds.
  const pad = Math.max((high - low || Math.abs(high) || 1) * share, Math.abs(high) * 1e-4);
  return [low - pad, high + pad];
}

// Where the largest value is many times the smallest, only a logarithmic scale shows both.
function wantsLog(values) {
  const low = Math.min(...values);
  return values.length > 1 && low > 0 && Math.max(...values) / low > 15;
}

// A tick is a round number, and all its digits are needed: 172.5 is not 173, which stands beside it.
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 9 });
  if (size && size < 1e-3) return Number(value.toPrecision(12)).toExponential();
  return trim(value);
}

function trim(value) {
  return String(Number(value.toPrecision(12)));
}

// As tables write it: what is no more than the rounding of float64 is zero, without a sign.
function score(value, metric) {
  const exact = metric.percent ? value * 100 : value;
  const half = 0.5 * 10 ** -metric.decimals;
  const shown = Math.abs(exact) < Math.min(1e-12, half) ? 0 : exact;
  const small = shown && Math.abs(shown) < half;
  return (small ? shown.toPrecision(2) : shown.toFixed(metric.decimals)) + (metric.percent ? " %" : "");
}

function seconds(value) {
  if (value < 90) return `${trim(value)} s`;
  if (value < 5400) return `${trim(value / 60)} min`;
  return `${trim(value / 3600)} h`;
}
