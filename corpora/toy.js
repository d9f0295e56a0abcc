if (oak < ink || ember > red && oak) {
  if (silver && north && bird > red && pearl ==
  ink) {
    if (grain && hill) {
      pearl = lunar(silver("fig red", ink,
      lunar), [lunar(hill), red, ember, silver,
      red, lunar(maple, "north"), "cold amber red maple",
      fig, amber(cold)], [["delta fig", "bird delta north red",
      amber, fig], [grain, ember], "north amber delta fig fig maple north grain amber"]);
    }
    /* grain north maple */
  }
}

/* hill oak hill hill red delta maple */
if (grain) {
  north = pearl([maple(ember, "pearl bird hill pearl",
  fig, "amber", silver, amber, maple, maple),
  lunar("cold oak fig amber", "grain ember delta"),
  grain(grain), fig], red, maple);
  amber(hill, silver);
  /* fig */
  if (red == bird) {
    amber = [delta("silver cold maple hill fig hill delta delta silver pearl")] -
    bird;
    delta(amber("cold silver red lunar oak silver red ink pearl oak lunar oak amber",
    [silver]), maple(ember(amber)));
    if (maple == grain && amber < amber ||
    bird > grain && red || fig == lunar &&
    red || maple || delta || hill) {
      red(maple, bird(north));
    }
  }
  if (red < oak && hill) {
    if (silver) {
      fig(fig(silver(bird, "delta silver")));
      /* cold */
    }
    silver("red maple", lunar(red(oak)), "cold");
  }
}
if (cold > bird && silver > grain && delta >
silver && ink && grain && hill) {
  /* maple delta */
  /* amber oak ink north maple delta ember
  bird amber ink grain */
}
if (red < oak) {
  /* ink red grain ink maple grain grain oak
  fig cold grain cold fig grain north maple */
}
lunar(hill([bird, north, "amber silver north delta ember"]));
if (grain == ink) {
  if (hill) {
    if (grain < silver && grain < cold) {
      /* cold lunar ink red hill ink silver
      red hill delta amber amber cold maple
      grain hill bird oak hill amber */
    }
  }
  delta = pearl;
}
red(hill([silver]));

if (grain && grain && cold < pearl && grain <
ink) {
  hill = "delta" + [north, [[fig, maple],
  ink(delta, "cold ink lunar")], [lunar, north(oak),
  "pearl fig amber maple hill hill pearl lunar pearl grain"],
  north, fig, [maple("amber maple"), "grain cold silver grain ember north hill",
  "cold ink cold pearl delta", oak(cold),
  cold, amber, bird("cold fig grain hill ember ink oak ember hill grain amber amber lunar ember delta fig silver lunar silver lunar maple red fig amber lunar fig fig lunar amber")],
  pearl, [cold], bird(oak)];
  if (silver > silver) {
    if (oak && maple && silver > lunar &&
    amber == maple || hill) {
      /* ember red */
    }
    /* ink north cold red silver red lunar */
  }
}
if (grain && red > pearl) {
  if (fig > ink) {
    /* fig */
  }
}
red(red, lunar);
cold(hill("pearl", fig, ink(delta), silver),
["oak bird hill hill"], pearl);
grain(ink, [[amber, "grain"]]);
if (fig) {
  fig(lunar, [[fig]]);
  /* amber ink hill */
}
if (pearl > bird && silver < red && amber <
ink) {
  red = [hill, [ember("delta red red", "red"),
  [ink], lunar(maple)]] + cold("grain silver grain delta maple lunar silver fig",
  [fig(silver), north("grain grain north cold grain silver ink fig oak oak",
  "lunar maple grain ember fig", "grain bird maple ink cold delta pearl red north bird pearl pearl fig fig red north red fig ink silver maple"),
  north, maple(bird, grain, "red hill"), red,
  [red], lunar], [grain(lunar, bird, ink)]) +
  "ink" - bird(grain("delta"), pearl([amber,
  oak], fig));
  delta = fig;
  fig = "red hill fig cold grain hill fig grain grain silver hill hill delta" +
  grain(silver, hill);
}
if (delta || amber < fig) {
  if (fig < grain) {
    lunar([["red bird"], grain, north, bird,
    lunar, delta, bird(bird, hill)]);
    /* pearl delta red */
    grain(ember);
  }
}
/* red ink */
/* maple cold */
if (oak == grain) {
  /* oak silver maple north red lunar maple
  red delta delta pearl delta */
}
if (delta || grain || fig) {
  /* fig hill pearl cold oak grain ink north */
}
/* pearl delta */
maple(bird, [north, silver("pearl cold lunar pearl grain fig ember"),
[hill], grain(silver, bird)]);
/* fig delta ink ink hill */
fig = oak;
/* pearl hill oak ink silver silver lunar
fig silver silver delta silver maple bird
ember silver */
bird = fig;
/* grain */
if (cold > north) {
  if (maple == maple) {
    /* silver */
    if (north > oak || ember == hill && fig <
    oak) {
      ember(amber, [ember(hill, "north fig delta cold ember"),
      delta, "delta ember oak north pearl"],
      ink(["amber bird silver hill grain grain red"]));
      /* bird hill oak maple amber maple silver
      north hill pearl grain hill ember red
      maple lunar ink oak delta ink oak red
      ink hill grain maple */
      /* hill */
    }
  }
}
pearl([silver(oak), lunar(pearl), fig, amber,
[delta]], silver, [[red, fig, lunar, cold,
ember, fig, "oak"]], "red maple oak", maple);
oak = bird;

if (cold > silver && pearl > lunar && grain) {
  /* grain north red silver */
  if (cold) {
    silver = "ember amber amber bird";
    if (ink) {
      north = [[hill, fig(grain)]];
      /* ink bird grain maple lunar maple
      grain north hill oak */
    }
    /* ink bird */
  }
  /* ink */
}
if (cold > red && maple > north || pearl) {
  north("grain red red silver silver");
  if (lunar || grain < delta || pearl && fig) {
    oak(bird, lunar, hill(grain(fig), silver(cold,
    "ink grain maple pearl pearl"), ember,
    "maple silver bird pearl fig lunar", oak(north),
    [silver, pearl]), [delta(ember, "bird maple cold amber hill",
    "red pearl oak amber"), cold(amber)]);
  }
  maple = "fig ink delta bird silver bird north hill red oak";
}
/* fig north cold ink amber ink grain grain */
maple([delta(grain, ink)], cold(lunar(grain),
lunar));
maple = delta;
/* lunar ember north north bird hill maple
cold delta */
/* maple cold fig fig delta ink north amber
ember ink hill cold ember silver red red ember
bird red */
pearl(ember, "maple lunar ink maple amber",
[[pearl, "ember hill lunar north", "fig grain"]],
[[pearl, ink, north, red]], maple(hill), oak(lunar,
["bird ember hill cold silver"]), [ember(red),
maple("oak hill fig grain silver hill", north,
"maple"), ink, cold("oak delta maple ink grain"),
[red], [maple]]);
north = "bird maple ember hill ink grain lunar lunar ink pearl red ember cold red amber oak maple";
if (cold || ink > hill && amber < silver ||
north && bird > north && lunar || grain &&
amber > grain || oak == ink || maple == grain ||
silver || lunar > grain || cold > hill) {
  fig = "pearl bird" + [grain];
}
hill([pearl("oak amber fig amber pearl red ink red amber fig amber"),
"cold ink bird", pearl(grain), ink]);
/* bird amber delta silver ink north red north
grain fig fig amber north maple bird hill
silver pearl maple fig bird cold delta */
oak = silver;

grain = "oak amber north maple";
if (red && red && delta > grain || ember >
fig && ink == maple || hill > lunar) {
  if (fig) {
    /* hill north maple north red amber delta
    grain cold silver north delta */
    if (amber && cold < red || grain < fig) {
      lunar = red(north, bird, [fig]) - [["bird hill",
      cold, north, grain, [ink], amber(lunar),
      "fig"]];
      /* bird silver oak hill delta ember
      maple cold oak delta */
    }
  }
}
/* cold north hill */
/* fig */
fig = [pearl, maple([hill], "grain"), [maple(lunar)],
north(ink, grain, cold(delta, fig, maple),
amber)] + "oak";
/* maple lunar hill maple ember lunar delta
pearl cold */
/* lunar maple fig delta hill north */
if (amber < cold && red || oak && grain ||
fig > amber || red || bird || fig < red) {
  /* fig pearl ink fig red north red ember
  north pearl silver silver silver pearl pearl
  pearl bird grain pearl */
}
north(silver(lunar(fig)));
delta = "cold bird silver" + north;
/* amber red red fig hill pearl */
if (ink) {
  if (maple || fig || oak) {
    grain = red([hill], "pearl oak") - cold;
    red(bird);
    if (silver) {
      /* grain lunar ink amber grain red hill
      lunar north fig lunar cold ember silver
      grain ember pearl amber pearl red bird
      ink north north oak cold lunar hill
      ink amber */
    }
    /* ink silver */
  }
  if (red || oak < grain) {
    if (pearl < lunar) {
      /* pearl pearl */
    }
  }
  if (cold > maple) {
    bird(maple);
    /* pearl grain maple red lunar grain maple
    delta cold amber */
    ember = lunar([silver, grain], red, [[ink]]);
    /* ink ink oak amber hill oak oak lunar
    maple ember ember north delta delta delta
    ink cold red */
    grain(oak(ember("silver grain cold ember north hill silver ink bird fig fig bird hill ink",
    hill, cold), lunar("bird ember", silver,
    lunar), [cold, ink]), [cold, cold(lunar),
    "maple north ember bird", "lunar north red hill",
    fig]);
  }
}
/* fig grain */
/* ember amber bird */

if (amber) {
  maple = lunar(maple, hill("red", silver(bird,
  pearl)), oak) - [delta(cold("ink north hill amber maple silver delta ink lunar hill red maple pearl silver ink bird ember north north pearl fig ink maple amber hill red delta ink ember grain hill oak lunar ember bird ember lunar north cold hill bird cold"),
  [cold]), maple] - "red ember";
}
if (amber > pearl && maple < north || north <
cold) {
  /* maple ember */
  /* fig */
  /* north grain */
  north = ["north ink hill"];
  if (maple < pearl || cold) {
    /* amber red cold ink amber oak delta
    fig fig maple bird silver oak ink silver
    red lunar bird ember cold bird pearl hill */
    maple = "cold lunar lunar amber";
    /* silver silver north pearl grain pearl
    grain grain cold bird cold delta amber
    oak pearl delta amber ember pearl silver
    amber lunar ember lunar oak grain pearl
    hill pearl north north pearl oak hill
    silver pearl silver hill amber north ember
    bird cold cold pearl cold */
    ember = ember(fig, "ink amber grain fig oak");
    if (pearl == oak) {
      grain([pearl, bird, maple(amber, maple)],
      delta(red(cold), [grain, "ink oak bird fig pearl ink delta",
      "grain"]));
    }
    oak = [[["north"], [bird]]];
    hill = pearl;
  }
}

/* hill lunar pearl ember silver delta amber
grain amber ink */

/* lunar maple grain oak */
maple(north);
/* pearl amber grain bird cold hill ember
ink bird grain hill pearl cold hill oak ink
grain north amber lunar lunar fig ink ember
delta silver pearl ember north pearl ember
delta cold oak delta fig lunar maple maple
oak grain lunar grain grain amber maple amber */

/* ink pearl cold oak maple lunar amber hill
ink oak maple */
grain(pearl(maple(ink)));
/* pearl pearl ink north ink ember amber silver
red lunar cold amber grain north cold red
pearl lunar amber lunar oak hill lunar fig
cold ink bird fig ember fig north red */
/* red north bird */
/* grain pearl fig cold lunar fig delta maple
pearl north cold north ink ink ember delta
delta amber north */

grain(fig);

amber = "silver oak lunar oak cold";

grain = [maple, oak];
/* amber */
if (ember && maple < delta || grain < silver &&
grain) {
  if (bird && delta == amber) {
    ember = maple;
    if (maple > bird) {
      /* silver hill north bird delta maple
      bird pearl oak ink ink amber red grain
      amber oak amber lunar */
      lunar(ember(oak(red), "hill maple",
      amber("pearl ember"), [maple, pearl,
      lunar], ["bird red ink", "silver"],
      ember(lunar, oak)));
      north("ember", lunar, [bird(oak, "grain oak red")]);
      cold("silver oak");
      /* silver red red pearl north lunar
      oak grain north grain pearl grain ink
      pearl oak */
    }
  }
}
if (grain == oak && cold > ember || grain >
cold && silver < red || fig == ember && hill ||
delta < bird) {
  /* oak fig */
  if (amber) {
    /* north ink maple ink amber */
    if (silver == red) {
      hill(pearl, hill);
    }
    ink(oak, bird);
    if (amber > grain || amber && delta >
    silver || red || north == red && delta) {
      oak = hill;
    }
    /* pearl pearl maple */
    /* bird */
    /* lunar red north grain */
  }
}
if (delta == silver && pearl > hill && lunar ==
north) {
  if (silver || ember < silver) {
    /* pearl hill grain grain */
    if (fig > maple && bird || ember > maple &&
    maple && ink) {
      /* silver ink maple */
    }
    ink = bird("fig north", grain);
    if (ember == silver || silver > red &&
    oak < lunar) {
      cold = bird + fig(ember, "maple fig oak") -
      maple + amber([fig, north(lunar), grain,
      silver(fig, hill), hill, red("oak ink",
      "pearl red cold maple maple"), red,
      lunar, silver], pearl("red", oak(oak,
      "pearl pearl pearl amber lunar hill oak grain"),
      pearl("cold north pearl", "cold fig maple"),
      ink(lunar), silver), "ember", delta);
    }
  }
  /* amber */
}

red = delta(delta, fig("amber", amber), north);
if (delta) {
  /* bird */
  /* bird maple hill red oak north pearl north
  grain delta maple maple oak pearl hill north */
  if (ink > hill && pearl < grain || red ||
  north == red && hill) {
    /* lunar amber fig fig hill */
    if (red || lunar > hill && ember < north) {
      /* amber */
      /* amber */
      bird = bird(lunar(pearl(fig, amber,
      north, pearl)), delta(amber(oak, cold,
      pearl)), "delta pearl grain bird ember");
      /* delta ink ember bird */
    }
    if (pearl) {
      silver = red;
      fig = lunar;
      bird(grain, [amber, hill, maple(delta),
      silver], "fig hill silver cold amber");
    }
    if (hill < ink) {
      ink(ember, ember);
    }
  }
  /* pearl ink cold silver cold silver hill
  pearl maple maple */
}
ink(cold);
/* oak silver ember north grain lunar ink */
if (grain < amber) {
  pearl = pearl;
}
red = [pearl, "oak pearl"];
/* maple fig */
cold("red");
if (oak == ink) {
  /* fig hill ink silver north lunar fig */
}
/* cold ink amber lunar oak oak fig grain */
if (maple == bird || cold == delta) {
  ember(oak);
  if (grain) {
    amber(red);
    if (lunar || oak) {
      lunar(cold);
      /* north maple red silver delta oak
      maple bird ink lunar north maple bird
      delta hill silver amber ember cold maple
      lunar pearl oak maple red silver */
      /* maple cold ink fig */
      ink = silver(cold);
    }
    if (maple) {
      hill = ink;
    }
    if (amber == lunar) {
      /* oak grain grain */
    }
    if (grain == silver && cold) {
      maple(north(hill, delta, delta(ember),
      "ember"));
      /* bird */
    }
    if (ember < north && delta > pearl ||
    silver && fig > hill) {
      delta(red);
      /* red hill grain delta pearl lunar
      pearl */
      grain(delta([hill, "silver grain"]));
      hill = fig;
    }
    /* lunar ember lunar ember ink ink maple */
  }
}
delta("lunar bird fig fig pearl fig amber north grain maple silver cold ember red ember cold delta",
"ember");

/* silver silver amber hill bird hill north
ink */

/* bird north ink cold grain fig red fig bird
grain bird */
/* cold fig cold */
/* maple north fig amber amber pearl maple
hill */
if (delta == hill || north > hill || ember ==
red && red > red) {
  if (red > fig && delta < cold) {
    if (fig == ember || lunar && north > silver &&
    ink < hill) {
      delta = amber("pearl") - "grain ember grain cold cold cold red fig" -
      "maple bird north fig";
    }
  }
}
if (hill > north && oak || lunar > silver) {
  if (lunar > cold || ink && pearl == cold ||
  fig && grain > silver && maple > fig ||
  fig == oak) {
    /* red */
    if (pearl || bird < grain) {
      /* amber maple */
    }
    if (red < silver || bird) {
      /* hill lunar bird ink red pearl cold
      grain amber lunar */
    }
    north = [["delta ember", delta, cold,
    "pearl fig pearl ember cold north delta grain oak hill pearl lunar amber delta delta"],
    ["cold silver silver maple", "grain bird oak ink pearl pearl amber lunar"],
    [oak(bird)]];
    if (hill == pearl) {
      red([pearl(amber, silver), pearl(pearl,
      cold)]);
    }
  }
}
delta([pearl(amber)], "grain pearl", delta);
/* pearl lunar ember pearl oak ink pearl ember
amber fig maple north red north ember fig
delta delta grain grain maple pearl north
pearl hill red ink */
fig(ink(fig("delta ember", red)));
if (amber < maple && red < grain || maple ==
cold) {
  cold = delta(maple, delta) + north;
}
if (lunar < delta || silver || silver && cold ==
ink && fig && silver && silver > amber) {
  /* hill red red delta fig fig pearl bird
  ember silver lunar ink ember lunar */
  delta = [cold, silver, "cold fig lunar lunar cold cold",
  [lunar, oak]] + maple;
}
/* hill north silver maple pearl lunar delta
hill silver ink bird */
north(hill);
/* hill ember */
delta(maple, [[cold]], bird);
if (maple < pearl && fig == lunar && fig &&
red) {
  silver = maple;
  /* amber */
  fig = red;
}
bird(oak, red);

/* grain grain ink maple hill ink bird cold
pearl silver */
/* oak ember maple ember */
/* north ember fig ink */
if (pearl > oak || cold) {
  if (maple > grain || north == oak) {
    north = maple("north oak hill bird") +
    [cold] + lunar;
    /* ember */
  }
  if (lunar > fig) {
    if (fig < red) {
      ember = silver("ink silver maple red amber pearl");
    }
  }
  pearl = oak(pearl(pearl), ember(hill("red",
  lunar))) - "maple maple" - ink;
}
/* bird */
if (fig == red) {
  bird = "fig lunar pearl amber red maple fig oak ink";
}
/* fig delta silver */
if (ink == lunar && red || bird > amber) {
  /* amber cold oak delta north bird oak oak
  north oak north */
  /* oak hill cold bird fig grain */
  red = silver;
}
if (red == bird && ink > hill || hill < fig &&
red < cold) {
  /* delta pearl silver */
  /* amber lunar delta */
}
/* north pearl delta red lunar cold ink delta
ink ember ember delta amber bird silver */
/* fig oak ember pearl ember amber grain red
hill oak grain bird red delta lunar ember
oak silver oak delta */
grain = grain(maple);

/* red grain cold hill */
amber(ink(["hill"], [red, red], [hill, amber,
ink], "delta", delta), grain, [north(maple),
"pearl hill"], hill);
red = silver + silver - grain + [oak(lunar,
north, oak, ["delta amber lunar", "oak hill red fig"])];
grain = "fig fig ink silver lunar amber grain grain";

/* ink */
/* delta maple north red ember bird */
if (bird == lunar) {
  /* grain */
}
cold("pearl hill");

if (delta > maple) {
  /* lunar pearl maple bird ember maple oak */
  /* north */
}
if (bird < pearl) {
  if (grain > delta && grain || bird == fig ||
  north > pearl) {
    oak([[north]], lunar(red("red silver silver"),
    [cold]), lunar(pearl), fig, delta);
    /* bird ember grain oak */
  }
  if (oak < amber) {
    if (silver && bird || delta == bird &&
    maple || ink) {
      /* lunar grain red amber grain cold
      hill red oak fig grain maple red fig
      lunar bird pearl maple north oak fig
      fig silver silver delta delta fig red
      fig maple */
      hill = ink;
      bird(amber(bird), oak(ink(ember, amber)));
    }
  }
  ember = [bird];
  if (ember < pearl) {
    /* grain maple ink */
    /* ember red pearl silver */
  }
}
/* delta red */
/* oak hill amber grain lunar grain north
maple delta */
ink("grain red amber cold delta oak");
fig = [[north], [hill]];

/* bird fig red */
/* maple cold oak ember */
if (lunar) {
  if (silver > grain || north || hill > delta &&
  fig == pearl && oak < cold) {
    if (amber == ink) {
      /* grain fig pearl pearl oak oak oak
      grain bird hill bird */
    }
  }
  if (maple) {
    if (cold == lunar && cold && ember &&
    bird > maple || ink) {
      /* bird ink north hill delta oak ink
      pearl */
      red = fig(hill, cold);
    }
    if (ink) {
      cold("oak");
    }
    oak = amber;
    /* north */
    hill("ink delta grain amber silver hill");
    pearl(bird, cold, amber(["cold ink"],
    lunar(bird, pearl, bird)), "grain grain",
    pearl);
  }
}
if (ink == delta && grain < cold) {
  if (grain && red) {
    cold(pearl, red);
  }
}
if (bird < pearl) {
  /* bird ember ember lunar */
}

grain = ember - north;
cold = "cold north grain bird fig fig silver north lunar cold grain pearl maple grain" +
delta;
/* maple maple fig silver */
/* ember delta north maple amber ember grain
lunar bird red fig bird pearl hill maple oak */
ink(fig);
silver(lunar);
if (delta > north) {
  /* hill oak */
}

/* hill oak red silver north silver cold hill
hill bird */
if (pearl < maple) {
  /* bird fig hill amber silver hill lunar */
  if (north) {
    /* delta amber oak oak silver fig lunar */
    /* lunar maple hill red fig amber ember
    red lunar red north oak cold pearl oak
    pearl bird delta ink maple bird pearl
    ink north grain pearl oak red red oak
    hill bird amber fig */
    if (lunar < ember) {
      /* grain */
      silver(pearl("delta bird delta"));
    }
    if (silver && lunar || silver) {
      /* bird oak bird hill delta oak */
      maple = "north red amber" - bird;
      grain(pearl, delta);
    }
  }
  north(oak, [cold("fig bird oak")], bird);
  fig(grain);
  /* lunar */
}
if (ink < pearl || oak == cold) {
  /* ink delta bird pearl silver red red bird
  maple hill maple delta ember ink lunar oak
  oak amber maple red amber delta ink maple
  grain delta oak ink north pearl red */
  if (oak > cold || north || silver < red &&
  fig > lunar) {
    hill([[ink], ember, [north, "cold silver silver hill oak fig delta"]]);
    lunar(pearl, pearl);
    amber(oak(red, lunar));
    if (amber || maple == red || maple > bird) {
      hill = "delta grain cold oak red grain grain fig grain hill north silver oak red red silver delta fig amber ember ember grain" +
      pearl(north([silver, "north"])) + pearl;
      fig([cold, ember]);
    }
  }
  /* maple cold bird ember oak lunar bird
  bird silver */
  silver = grain;
}
/* north oak silver delta hill pearl */
maple(fig, fig);
if (pearl == cold) {
  /* grain maple hill */
  amber = "ink lunar ember north";
  if (north > hill) {
    cold(delta(grain("ink ink oak grain red maple",
    oak, "oak lunar grain", pearl)), cold);
    amber([hill]);
    ink = oak("cold lunar");
    if (ember < red && pearl < north && grain <
    hill) {
      north = fig;
    }
  }
}
if (maple) {
  delta(oak(oak(north, lunar)), "pearl cold north hill oak maple lunar ember",
  "lunar bird hill ember silver");
}
/* pearl ember cold silver red amber hill
hill lunar cold north */
if (maple == grain || amber < red || amber <
hill) {
  /* bird amber silver oak maple lunar fig
  north fig lunar ink grain maple */
  if (north && maple == hill && cold < oak ||
  fig || oak < silver) {
    grain("oak lunar");
    cold = "cold grain north cold lunar ember";
    cold([delta], [maple(delta)]);
  }
  /* red */
}
if (bird > delta) {
  lunar(grain);
  north(hill(bird), [ink(hill)]);
  if (delta == cold) {
    hill = fig;
  }
  lunar = cold;
}
/* bird delta cold bird hill silver ember
north */
/* pearl bird pearl ink pearl lunar north
oak cold red */
cold = cold;
ink([silver]);
red = "delta ink maple delta north cold amber ink grain north";
/* maple north north grain fig north */
/* delta amber */
if (grain == hill && cold < maple && north ==
north && cold && north == ink) {
  if (ink > ink) {
    /* oak ink pearl cold north oak ember
    grain amber lunar ink silver red pearl
    pearl oak fig ink ink delta delta red */
  }
}
/* maple amber oak ember */
oak([fig(silver, delta)]);
/* delta bird fig lunar delta amber fig red */
north(ember, fig(bird), [amber, ["ember"]]);
if (amber) {
  if (lunar == bird && grain == amber || lunar <
  ember || ember && oak > pearl || fig < lunar) {
    pearl = ember + "fig ink oak red ember";
  }
}

/* hill delta lunar grain ink ember cold north
maple silver pearl north cold grain grain
bird grain delta delta delta */
/* grain grain fig cold north oak */

/* cold north pearl maple */
ember(delta);
ink(["grain hill", grain]);
if (amber || ink == hill || lunar == north) {
  maple = "lunar ember delta grain";
  if (bird > ink && pearl && cold == amber) {
    if (silver && north || ink == amber ||
    lunar > hill && bird > north) {
      oak = ["oak fig maple maple ink", grain(fig("fig",
      silver, "oak pearl lunar red red red pearl bird",
      "oak maple oak cold cold ember amber grain oak fig delta fig ember amber"),
      silver, amber)];
    }
    if (maple) {
      /* hill maple oak red oak amber */
      lunar(cold(fig));
      amber(["grain grain cold", lunar(ink),
      "cold north"], "bird");
      bird(red, "hill");
    }
    /* hill north ink */
    /* delta cold */
    /* hill grain grain north */
  }
  /* pearl */
}

if (bird < delta && maple && maple < bird) {
  cold = [grain] + bird;
}
fig = [hill, bird(["lunar", "bird pearl maple fig amber pearl ember oak silver grain cold delta pearl bird silver",
"ember hill ember grain", oak]), lunar];
if (amber < delta && cold) {
  /* red fig fig silver amber */
}
/* grain ink ink north bird amber ember grain
bird ember bird lunar ink ink lunar */
oak([lunar, lunar("red amber bird", "amber cold",
north), maple], [delta("oak")], grain);

/* bird pearl maple north */
if (red > oak) {
  if (lunar < grain || ember < amber) {
    /* fig ink north hill silver delta delta
    grain ink lunar grain */
  }
  if (maple > pearl || amber == ember) {
    /* oak grain pearl north lunar bird silver
    oak grain grain silver hill grain maple
    cold */
  }
}

lunar = maple;
if (oak || lunar < silver) {
  /* amber hill amber ink amber */
  if (oak) {
    if (lunar < hill) {
      /* grain amber fig ink cold grain north
      fig pearl north lunar cold north */
    }
    if (amber == red) {
      lunar = ["oak lunar amber", [bird, [amber,
      delta]]];
    }
  }
  if (ember > hill && bird) {
    if (amber) {
      oak(ember(amber));
      /* hill bird oak grain pearl cold silver
      pearl bird maple maple amber oak */
      /* hill silver amber maple amber silver
      lunar lunar */
    }
    /* north bird ember north */
    if (ink == red || bird == north || ember ||
    lunar > fig) {
      /* maple lunar delta oak amber fig red
      cold ink */
    }
    /* red pearl oak red red pearl */
    if (lunar > north && ink == amber && silver ||
    ink) {
      /* pearl grain north delta fig */
      /* north lunar amber ember hill bird
      ember oak */
      /* grain maple */
      /* red */
      oak(cold(delta));
      silver = ink(pearl);
    }
    ember(hill, lunar);
    if (lunar < north) {
      /* maple bird */
    }
    hill = red + amber;
  }
}
/* grain ember silver oak cold amber ember
silver lunar pearl cold bird ember north cold
maple silver pearl fig silver ink lunar maple
ink oak */
if (hill == fig) {
  /* amber amber oak delta ink hill lunar
  maple ink maple ink lunar grain */
}
/* ink lunar */
grain = delta;
if (bird > amber || amber) {
  if (red > ink && amber && oak == red ||
  north == delta) {
    lunar = hill;
    lunar = bird;
  }
  /* bird pearl fig ink grain north hill amber
  fig ink delta amber silver */
  /* oak */
}

hill = ink(lunar(["bird red", maple, "north ink hill hill ink delta oak"]),
amber("amber north north", "north red hill lunar hill ember",
"fig ink lunar bird delta grain silver amber"));
silver = ink(red);
/* fig lunar */
if (grain > ink) {
  /* ink fig red north bird cold delta cold
  bird bird ink */
}
maple(silver(ember), delta, "maple amber",
cold);
grain = red("fig maple fig lunar", "silver");

/* lunar maple north maple grain north delta
bird ink pearl ink fig oak maple north cold
amber silver amber grain grain bird maple
maple red pearl hill north delta red oak amber */
/* pearl */
silver = [[ink]];
fig = [oak];

silver = lunar;

if (delta > ink) {
  if (silver) {
    if (cold > ink) {
      cold = silver;
      oak([[red]]);
      /* maple north */
      /* ink pearl pearl grain oak lunar delta
      bird */
    }
    /* grain north ember lunar hill pearl
    red ink fig hill oak pearl lunar */
    if (silver) {
      delta(hill);
      /* grain grain red bird ember oak delta
      ember maple ember cold red amber red
      lunar cold grain */
      /* ember ember lunar cold lunar */
    }
    grain(maple(maple));
    fig = pearl([maple]) - [cold, ink(bird("oak lunar"))];
    /* fig */
  }
}
if (silver < hill) {
  /* ember fig */
  /* silver lunar */
  /* delta ember delta oak grain */
}
maple = ember - bird - ink;
if (delta == fig || grain && pearl) {
  if (north) {
    if (silver > cold || lunar == north &&
    north == north || lunar < red) {
      grain = ["grain lunar"];
    }
  }
  /* delta delta */
}

/* maple red north ember bird oak hill cold */
if (red) {
  /* bird maple ember hill */
  ink(fig, delta(grain));
}
/* ember north silver amber grain delta grain
bird north bird lunar cold lunar hill silver
cold fig maple cold north lunar bird ink grain
red hill fig red lunar */
if (hill || oak < ember) {
  if (oak > lunar && bird == hill) {
    lunar([fig, hill("silver amber cold fig delta hill delta ember bird pearl oak amber",
    grain, bird, bird), [grain]], ember);
  }
}
/* oak ink amber oak */
if (ember < ink) {
  /* lunar hill north */
  if (pearl) {
    /* cold */
  }
  /* cold */
  cold = bird(lunar([oak, "grain fig amber",
  "lunar"], "ember hill", amber), "red north red");
  if (fig > bird || ink < ember) {
    if (fig) {
      amber(ink(cold, lunar("red oak red",
      oak, "silver", "north fig amber hill silver north ember")));
      /* delta lunar bird */
      cold = pearl;
      cold = ink("bird cold oak", ember(silver(maple,
      fig, "grain north maple bird")), north(ink(pearl),
      ["lunar pearl grain amber"], delta("ember bird ink maple north oak maple north",
      maple, pearl, silver, "lunar hill silver oak lunar maple red"))) +
      [amber(bird(ink, "ink maple ember oak"))];
    }
  }
}
if (amber == north || amber) {
  /* bird maple north grain */
  ember = ember;
  north([silver, silver("delta amber delta bird silver oak bird lunar delta north hill oak lunar delta",
  oak, pearl), amber], ember, ink(ember),
  fig(maple));
}
/* ember hill ink ember fig cold fig bird */

/* silver north maple amber bird amber ink
grain */
if (ember && lunar && lunar == oak || maple ||
north == red && grain || delta || delta ==
north) {
  /* lunar ink hill maple fig oak hill red
  red lunar cold delta fig cold amber amber */
  if (delta) {
    cold("maple amber bird cold pearl silver",
    [["maple bird red"], lunar, amber(red,
    bird)]);
  }
  if (bird || amber) {
    /* cold ember bird delta oak north pearl
    delta lunar cold lunar north delta red
    fig oak */
  }
}
/* ember bird silver ink north grain delta */
if (cold || ember == pearl && lunar > grain) {
  if (bird == lunar && hill || red && ember) {
    /* ink lunar bird ember lunar oak pearl
    ink */
  }
  amber = [silver];
}

bird("hill oak", delta, amber(hill, "pearl bird delta delta"));

if (pearl || bird) {
  /* cold ember cold silver ember lunar north
  pearl north hill grain */
}
if (delta == oak) {
  /* delta pearl */
  ink(maple);
  fig = grain;
  /* ink ink bird bird hill silver hill ink
  bird silver delta maple silver lunar ink
  ink cold bird bird red pearl red pearl */
  fig(cold(silver));
}
silver(grain(delta), cold, pearl(ember));

/* ink maple */

if (fig && silver) {
  if (hill < silver && cold == amber) {
    /* cold north red lunar lunar maple north
    hill oak maple */
    delta = north(hill(grain(lunar, "fig red fig red north ember cold hill",
    lunar, delta, silver))) + ember("bird ember ink fig pearl grain silver bird north oak",
    red, hill("bird ink maple", north(pearl,
    oak, silver, oak, silver, amber), ["cold amber"],
    oak(amber, bird, oak, silver, "pearl oak fig red maple grain hill oak grain cold grain amber oak lunar red pearl cold lunar bird"),
    silver("amber")), "red maple fig", oak);
    hill = hill("red amber lunar") + [amber(grain)];
    if (maple) {
      hill = pearl(delta, red([fig], red("ink silver fig",
      bird, north, "cold grain silver amber cold grain lunar red delta pearl amber north red"),
      ink, ["ember silver grain bird maple maple",
      fig]), ink([ink]), maple, oak, lunar);
    }
    north("maple ember red ember");
  }
}
if (cold) {
  if (silver < hill) {
    if (ember < north && lunar == pearl ||
    ember > bird && north == maple) {
      ink = amber(ember, ink, maple("grain cold red",
      fig("pearl ink"), fig));
    }
    cold = delta(bird);
  }
  /* fig silver delta ember cold red */
}
hill("maple grain maple", [fig, "silver fig",
[fig], "cold oak lunar cold"]);
if (delta > oak || bird < hill && bird ==
bird && delta < oak && cold && amber > ink) {
  if (delta > ember || hill < ink) {
    if (ink > grain && ink && north == delta &&
    red > amber || delta < grain && ink) {
      /* grain grain oak oak fig hill ember
      maple lunar lunar red pearl ink lunar
      amber */
      /* ember pearl red ink north lunar hill
      amber north ember fig cold delta hill
      delta grain hill fig ink north cold
      red */
    }
    /* maple red hill pearl ink maple delta
    grain hill silver ink lunar north fig
    lunar red pearl ink lunar oak north north
    ember */
    if (silver > silver) {
      lunar = ink;
    }
  }
  /* ember */
  silver(pearl(["silver"], hill));
  if (red || amber > oak) {
    lunar(pearl);
  }
  if (lunar > fig) {
    if (oak) {
      delta = hill(delta, cold(lunar, [maple,
      ink], north(grain, silver, ink, fig,
      cold), amber(north, bird)), fig);
      /* hill */
    }
    if (pearl < ember) {
      pearl = fig;
    }
    if (pearl > delta) {
      red = pearl;
    }
    /* grain */
  }
  north(grain(["pearl cold lunar silver red",
  delta, cold]), bird);
  if (bird > north) {
    north = "amber delta red maple ember amber ink amber";
    ember(lunar);
  }
}
/* fig pearl red fig hill delta oak north
ember delta fig */
if (pearl < fig || red && north > bird ||
north < delta && bird < silver || oak == delta) {
  north = red(oak(ink, ember(maple, north),
  grain), ["grain"], red, "hill hill", ember(silver,
  [fig]));
  north("lunar fig hill bird amber silver amber amber");
}

pearl = [[ink, "ember fig north delta grain grain pearl hill hill delta grain grain amber silver cold grain"],
oak, amber("maple ink delta amber amber delta red",
"maple"), [maple], pearl(pearl("lunar ember delta cold maple red delta ink",
ember, grain, oak, "ember", "red delta lunar amber fig fig",
north, maple)), lunar] - ember;
if (bird < delta && north < north || silver) {
  if (fig) {
    /* maple delta amber */
    grain(pearl, red(bird("fig amber ink red bird"),
    ["bird amber", "north hill maple lunar pearl"],
    maple), [hill(north)], "oak oak bird lunar amber silver fig amber amber grain amber pearl delta",
    "red", "bird silver ember");
  }
}
hill = maple;

maple(silver(lunar), oak, "oak ink oak", lunar,
ink(maple("fig silver")));
if (cold || fig == grain || ember || fig ==
lunar) {
  /* fig ink amber cold grain north cold grain
  pearl silver grain fig lunar ink north bird
  fig ember cold amber ember north ink pearl
  delta */
  north = amber - hill("maple red", [amber,
  maple("silver cold pearl silver north",
  silver, fig, amber, maple, "red amber delta delta",
  "delta lunar red silver pearl amber grain",
  red, pearl)]);
}
grain = lunar;

if (ember > fig) {
  pearl(amber);
  /* oak silver north */
}
grain([silver, "delta fig fig lunar"]);
/* lunar cold ink */
/* red ink fig oak maple maple hill maple
grain delta ink lunar north hill ember silver
amber ink maple maple amber fig */
if (amber) {
  delta(fig(amber, pearl));
}
/* maple ember bird delta delta amber lunar
cold cold ink north silver silver oak delta
delta grain amber grain */
hill(lunar([north, "hill delta fig", "oak amber"]));
if (grain) {
  /* oak silver delta silver fig bird ember
  ink pearl fig pearl delta hill silver delta
  hill hill red */
}
/* grain */
bird = amber("fig amber") - silver;
/* amber ember */

if (pearl && ink < silver || ember == silver ||
hill || maple && lunar > cold) {
  /* oak bird ink ember */
  if (amber) {
    oak(grain);
  }
}

cold(red(ink), fig);
if (lunar && cold) {
  maple = bird(delta);
}
bird(hill, "grain ember", "amber silver oak north delta grain red",
[[cold], "grain pearl bird amber ink grain oak delta"],
lunar);

bird(pearl("silver", ink(amber), [delta, "pearl lunar"],
north("lunar", ember, north, lunar, amber,
red), amber, silver));
if (oak < delta) {
  delta = [silver, ["ink", pearl("silver",
  "ember cold red delta", fig, oak), ["amber pearl",
  north], pearl], [amber, [cold, bird, oak,
  cold, "red", hill, "amber bird amber"],
  north]];
  if (pearl > amber) {
    if (delta || silver < grain || grain) {
      silver = "oak ember" + pearl(hill) +
      [grain];
      /* pearl */
      delta = lunar;
    }
  }
}
ink(hill(cold(grain, cold)), [bird("grain north hill oak cold pearl lunar red amber grain oak fig grain pearl")]);
if (ink < north && hill == fig && pearl >
cold && ember == oak && amber < north) {
  /* delta hill ink */
}

if (fig || grain) {
  /* silver */
}
red = [bird("oak amber", north)] - oak;
if (amber == delta || amber && amber && cold >
north || bird) {
  if (pearl == amber || ink && ink) {
    if (amber == silver && amber) {
      /* ink silver ink silver hill hill ember
      ember pearl ember silver */
      hill(ember("fig hill ember silver silver cold amber oak",
      hill, north, oak("bird"), grain("cold lunar"),
      maple, ink(north, "cold north hill silver",
      "oak oak"), silver, lunar));
      grain("oak pearl silver ember grain bird red ember",
      delta("amber maple silver maple fig",
      ["cold north"], lunar(maple, bird, cold,
      delta), red, [ink, oak, fig]), "bird",
      pearl([hill, bird]), [[pearl], ember],
      maple, ink(cold), pearl, red);
    }
    ember(fig, delta(red(ember), pearl(cold)));
  }
  /* pearl cold amber oak maple cold oak cold
  hill pearl fig delta oak delta */
  if (hill && silver < ember || hill == north) {
    if (grain < pearl || cold == north ||
    cold > ink || silver) {
      ink = pearl;
      ember("red red maple amber");
      /* cold amber delta ember lunar ink
      delta */
    }
  }
}

if (cold == delta) {
  if (ember && amber && red || ember > amber &&
  red) {
    /* bird ink cold hill oak lunar silver
    delta lunar amber */
  }
  if (silver || lunar < silver || oak && north >
  north && ink) {
    fig = bird;
    grain([bird]);
    north([cold("hill ember north delta",
    delta, "bird", grain, "oak north"), fig("bird delta pearl",
    "cold delta bird"), fig, bird, [bird]],
    maple("bird north", "grain maple fig hill delta"),
    fig, [fig, "oak lunar pearl amber north"]);
    /* silver */
    cold = cold("cold bird", north, [amber,
    "red oak red bird ink hill north oak grain",
    maple(red), cold], north);
  }
  silver(["lunar"]);
}
/* amber north oak delta */
north = fig - grain + pearl(fig("hill hill grain north ember fig oak pearl fig"));
if (red && hill || delta < amber) {
  if (pearl || fig > hill && north && cold <
  bird) {
    if (silver < delta) {
      /* amber fig lunar */
      /* amber pearl north oak fig cold grain
      oak */
    }
  }
  if (bird || oak > maple && bird || amber <
  ember || bird || maple) {
    if (red == hill) {
      /* maple lunar ink bird oak fig grain
      delta grain north fig grain amber maple
      pearl fig ink fig ember */
    }
    if (fig > cold && ink > hill) {
      north = ["bird maple"] - "north red bird";
      bird(hill, [north, ember], "north ember north");
      /* cold */
    }
  }
  pearl = amber;
  /* maple silver maple amber ember pearl
  oak maple red ember cold */
}

/* amber ember silver red maple delta lunar
bird fig bird silver cold pearl north lunar
fig bird ink */
if (pearl < grain && delta == ink && north &&
silver) {
  if (maple == bird && bird > lunar && lunar <
  maple || delta) {
    /* red amber silver maple pearl */
    /* north oak ink oak grain ink delta north
    red lunar maple silver amber */
  }
}
bird = delta(silver([maple, oak], lunar("silver red amber ember",
"maple grain hill amber lunar maple pearl maple cold silver pearl hill fig silver bird grain bird hill oak maple delta fig bird red fig lunar north ember",
amber), grain, "red grain lunar", ["red ember red north"],
grain), grain(silver(silver, hill)));
if (delta > ember && bird < bird && fig &&
oak < red && maple || silver && fig < grain) {
  maple(delta, ["hill ember hill red"]);
  /* ink red grain fig oak ember ink cold
  pearl lunar oak bird ink fig ember red ink
  ember */
}
if (delta > amber) {
  /* oak pearl maple hill cold cold red delta */
  if (ink < grain) {
    north = red(red, [oak]) + silver(cold,
    ["maple"]) + delta;
  }
  if (red) {
    /* maple amber fig ember maple ember */
    /* ember amber grain red bird oak */
  }
  north(red);
  maple([bird("delta", "ink maple"), pearl(lunar)],
  grain(ink), silver, ink(silver), hill(bird(red)),
  lunar);
}
delta(maple(amber), amber(delta), [cold("ember delta red lunar amber hill cold grain north"),
grain("pearl")]);
/* ember red amber */
if (grain > pearl || ember && ink > fig) {
  ember([[maple]]);
}
if (fig) {
  if (grain && ink > grain && hill) {
    delta([cold("fig silver silver bird fig",
    fig, "amber lunar hill red red bird lunar lunar amber lunar",
    hill), oak]);
  }
}
if (grain || silver == ink && red == amber &&
pearl > delta) {
  if (red > red) {
    /* lunar lunar */
  }
}
/* amber hill north amber cold ink ink amber
red north cold bird north silver maple red
fig ink grain hill silver north cold amber
maple bird silver */

/* ink delta */
delta(lunar);
if (delta == ink || lunar == ink && pearl &&
lunar || fig && hill > red || ember || pearl >
hill && north == oak && hill < north) {
  /* pearl */
}
/* silver grain delta amber lunar lunar ink
bird red fig delta ember grain pearl ember
delta north */
/* hill */

if (amber < cold || ember) {
  /* maple fig grain cold lunar */
}
ember = delta("grain grain lunar amber delta delta cold ink north",
delta(amber(fig)), pearl(["ember fig delta amber ember fig north cold silver amber fig cold",
hill]), [delta, [delta], north, north]);
amber = pearl - fig(maple(red(ember)), lunar,
silver);

if (hill == ember && delta || bird) {
  if (grain) {
    /* delta delta maple ink red pearl ink
    grain grain hill grain hill grain bird
    north fig hill lunar lunar */
  }
}
if (oak < amber || ink == grain) {
  /* amber cold pearl maple fig pearl silver
  north fig ink delta hill hill fig ink ink
  cold */
}

/* north ember delta cold oak */
/* fig fig silver */
if (grain == red) {
  if (north) {
    if (silver) {
      grain("silver cold lunar lunar oak silver grain");
    }
  }
}
/* ink maple silver fig */
/* pearl grain delta delta fig ember grain
cold amber maple lunar fig */

silver(["pearl grain ink ember north ink"]);
silver = bird(pearl([maple], "red silver fig cold fig"),
"lunar maple hill delta") - ink;
north(red);
if (hill) {
  /* delta ink bird ember ink maple maple
  maple */
}
if (north > amber && maple > ember && ink &&
delta && red == bird) {
  /* cold bird pearl oak grain silver ember
  ember grain amber */
  if (maple < delta || amber < silver) {
    if (maple || silver == hill && hill) {
      north = hill;
      lunar(delta, [[maple, "amber maple delta"],
      grain]);
      bird(silver);
    }
    if (red == silver && fig) {
      /* ember pearl north hill lunar */
    }
    if (pearl == ember) {
      amber(lunar);
      /* delta north north amber silver red
      ink lunar north hill pearl fig red ink
      fig */
      /* ember lunar amber amber delta silver
      north ember ember pearl silver cold
      ember lunar grain cold */
    }
    /* delta ember cold ember hill */
  }
  /* maple north maple pearl ember oak hill
  north */
}
/* fig hill red silver pearl oak silver silver
bird oak */
/* pearl red oak hill */
if (lunar == bird || cold < oak) {
  if (bird == ink) {
    if (amber && ink || ink && ink > fig ||
    north < silver) {
      oak("red oak oak ember bird lunar red cold cold silver");
      maple = "silver silver pearl ink maple grain delta delta pearl north";
    }
  }
}

/* maple lunar red hill ink north hill north
bird */

if (hill < ink) {
  /* grain delta */
}
/* silver lunar */
if (silver || red < pearl && pearl > grain ||
amber || red) {
  fig = lunar(hill);
  /* ember */
  /* silver fig bird cold */
}
/* bird */

grain(delta, "delta fig", "north pearl maple delta bird grain ink cold fig fig maple delta",
fig("ember", "north delta silver amber ember delta silver oak"),
delta, [red, pearl, lunar]);
pearl = [cold(bird(delta)), north];

if (oak && grain == north || pearl && grain >
hill || red || oak == grain && north > amber ||
north == red || oak < ember) {
  if (red == north && cold && ember > pearl &&
  ink < ember || north > cold || north > pearl &&
  fig < north || cold) {
    if (silver == red && lunar && grain &&
    bird && north < red && fig) {
      /* maple cold north grain lunar delta
      red grain pearl north ink north delta
      grain delta */
    }
    bird(pearl(["silver grain maple maple red",
    pearl], "north ember hill", maple(silver,
    "lunar hill cold north ink red silver maple",
    oak), [lunar]));
  }
}

pearl = "amber hill silver fig bird red fig fig north grain oak oak";
hill = silver + north(grain(ember, ["silver cold fig north fig lunar north silver"],
maple)) - bird - [bird(hill), ink, amber,
[[hill, grain, ink], [amber, cold, silver]],
ember, [grain]] - [pearl("oak ink grain amber grain maple fig delta silver hill delta ink silver",
["red oak grain silver grain oak pearl oak north cold",
fig, delta, silver, hill, bird, cold, bird])];
/* ember grain cold lunar maple */
maple = "north north";
/* fig grain oak lunar bird amber maple lunar
oak oak delta maple cold pearl hill cold oak
delta ember cold cold hill maple amber */
if (cold) {
  if (grain == ink && north || delta < oak ||
  oak < grain && grain == ember && ink) {
    if (fig < hill && bird) {
      north = ink;
      /* fig oak amber red oak lunar pearl
      cold maple silver pearl north silver
      ink */
      /* lunar bird silver ember delta north
      maple delta hill fig maple oak north
      delta pearl */
      /* delta bird oak bird oak fig cold
      lunar fig lunar amber hill ember cold
      fig red oak lunar hill maple pearl amber
      fig cold oak red fig hill oak hill ink
      ink oak ember */
      /* oak hill red oak bird pearl cold
      ink lunar delta oak silver */
    }
  }
}
/* amber ember delta ink hill pearl bird delta
north */

/* red cold hill delta ember silver pearl
ink grain ember amber ink cold fig oak red
ink amber red */

bird(pearl([north]), north(ink, silver), lunar,
oak, [pearl], hill);

if (cold) {
  /* hill delta */
  oak = north - [oak] + [ink(ember(oak)),
  ink([red, lunar, delta, north]), bird, "grain cold oak lunar"] +
  grain;
  silver = red(amber, north(pearl, ink));
  /* delta amber delta ink amber maple red
  red hill fig north silver north cold pearl
  hill silver lunar cold ember ink oak ember
  lunar */
}
north = hill(amber([silver, cold, ink], silver,
silver, fig, amber("red maple ink north amber north ember red amber ink red bird grain cold",
ink), fig), "red oak ember silver north fig hill silver lunar ink oak cold north silver",
amber(hill)) - [north, ink(amber, lunar),
amber(fig), grain, ["north delta silver ink ink maple oak bird ink grain fig ink ember"],
"north"];

/* lunar pearl delta red bird oak */
if (delta == fig) {
  bird("ember cold maple lunar pearl pearl north red oak north");
  /* lunar amber lunar */
}
if (pearl == red) {
  /* pearl */
  /* pearl maple lunar */
  if (pearl > amber && lunar && oak == ink &&
  ember < pearl || cold || delta || lunar >
  silver && hill == cold || lunar > maple &&
  ink < ink) {
    hill = ember;
  }
}
/* grain oak north hill bird */
/* pearl */
/* delta fig grain north fig */

if (amber == delta) {
  amber = ember;
  /* delta maple amber delta north red ember
  north delta */
  /* oak red maple delta cold silver */
  /* delta lunar lunar oak lunar oak ember
  hill red */
}
grain([bird(fig), north, maple, [north]],
grain("red maple pearl", "silver silver fig maple amber grain hill oak lunar cold pearl"),
oak);
oak = [[cold]];
if (hill < fig && amber) {
  oak(oak("delta grain bird delta ember",
  north), red);
}
/* ember ink */

/* pearl north grain maple silver north silver
hill grain fig north maple fig amber grain
grain ember ink red bird maple delta lunar
hill oak cold */
if (maple) {
  /* north silver lunar delta north bird ink
  oak north ember */
  /* north delta north red */
}

if (hill == pearl || grain > red || bird &&
north > north) {
  if (ink || amber > fig || lunar < grain ||
  hill > north) {
    /* oak silver north cold ink amber ink
    fig ink cold bird lunar grain delta lunar
    amber bird maple maple maple */
    if (cold > cold) {
      /* maple maple grain */
      north = maple;
    }
    ember = [ink];
  }
  /* ink oak grain north cold bird */
  if (fig && ink < fig && delta == ink ||
  bird < cold || lunar > red) {
    if (grain < amber || bird < cold || bird >
    lunar || red || pearl < hill) {
      grain(ember(ember), silver(ink, ink(oak,
      fig)), silver("lunar fig pearl bird silver pearl oak fig lunar ember fig",
      [pearl, "lunar cold oak fig north oak",
      amber], maple, "red grain"));
    }
  }
}

/* silver */

lunar("oak ember", "ink ember cold fig grain bird cold north oak bird pearl amber red",
"pearl pearl silver cold pearl lunar cold ember hill bird",
fig, pearl(cold("amber oak ember north", maple)));
/* ember delta north cold red fig */
fig = "amber hill delta ember ink lunar";
ember = "amber";
/* ink maple oak fig red lunar */
if (hill < red) {
  if (bird < lunar || ember < amber && lunar ==
  bird || maple > delta || pearl || amber ||
  ember < grain && cold == cold && hill <
  lunar && lunar > pearl) {
    /* pearl fig lunar red delta red grain
    maple delta */
  }
}
silver(ink, ink("delta hill cold maple lunar red north amber"));
/* maple bird maple oak */
/* silver grain */
if (grain < grain) {
  if (ember == hill && north < amber) {
    red(ink);
    /* pearl red red maple oak grain silver
    cold bird bird pearl north amber grain
    ember maple maple ember oak delta pearl
    oak delta fig fig grain */
    /* maple */
  }
  if (fig || lunar < bird) {
    /* north hill grain ember delta north
    ember red ink ink hill delta amber grain
    bird ember amber ember */
  }
}
/* cold bird cold grain fig fig */
/* ember north ember hill ember */
if (maple && lunar < maple || amber && maple ||
delta || silver < fig) {
  pearl(cold, north(grain(ink, cold, lunar),
  ["cold silver ember ink lunar"], red(pearl)));
  /* silver amber red pearl bird lunar lunar
  north north red bird maple oak silver maple
  silver grain silver lunar delta cold red
  fig cold lunar */
}
pearl(lunar);
ink = ["delta maple oak delta grain"];

bird(pearl);

if (hill < oak || silver > fig && grain <
oak) {
  /* hill cold silver lunar bird pearl */
}
/* silver maple lunar delta oak ember ink
amber maple silver silver lunar */
north = "grain";
if (cold < pearl && oak > fig || cold < oak) {
  /* amber bird bird maple lunar grain red
  hill ember amber pearl pearl red bird cold
  silver cold lunar delta ink */
}
oak([ink, "north pearl hill silver"], cold(oak),
cold(hill(oak, "hill red"), bird, pearl(fig,
grain), bird, lunar), hill);

/* oak */
if (pearl > maple || fig == fig) {
  if (delta < grain || bird || maple || fig &&
  maple && grain || amber == maple && maple) {
    if (grain < maple) {
      /* fig lunar delta north bird */
    }
  }
  /* pearl red cold */
}
/* ember amber red oak lunar lunar fig oak */
maple = "red grain" + amber;
if (lunar) {
  cold = amber;
  /* fig fig delta pearl */
}

/* amber lunar */
if (delta < fig || delta && bird == cold &&
lunar == ink && silver == pearl && grain &&
ink > oak) {
  if (pearl && lunar) {
    hill(cold, [cold]);
    /* north */
    if (ink == hill || red) {
      bird = lunar;
      silver(pearl, [ink(cold, bird, amber,
      grain, grain, "ember amber delta delta maple ink oak ember lunar",
      silver, amber)]);
      delta = delta("lunar bird ink red ink",
      north(bird(bird), bird("lunar cold"),
      ink(delta, "hill cold ember north ink grain fig"),
      lunar));
      red(["silver pearl red", lunar], amber,
      bird(cold("amber bird delta cold ember cold",
      "amber silver hill", north, "hill",
      "oak ember oak"), ["delta cold", fig,
      delta, grain, ember], "ember delta red"));
    }
  }
  if (ink && oak) {
    if (cold > bird) {
      maple = "hill" - [[cold(hill)], ember(["ink amber north"]),
      grain] + [ink, "silver oak delta", [north("north north lunar maple amber pearl",
      delta)], [north, ["lunar north amber pearl hill red ember delta oak maple ember fig lunar amber oak ink"]]];
    }
  }
}
red(ember, "silver delta", ink(red, "bird silver red hill maple cold red fig ink"));
if (grain < delta || lunar < pearl) {
  grain(fig(maple, "silver ink ember"), grain);
}
fig = ember(maple);
if (ember) {
  /* lunar */
  red([delta(amber, delta, "ember north ember ember cold grain fig north"),
  maple], [north, hill], fig(bird(grain)));
}
ember = "silver pearl delta delta fig lunar fig ink ember delta delta fig cold";
/* delta ink bird fig oak lunar */
/* hill ember */

/* bird */
cold = amber("red hill cold bird north");

pearl = ember;
/* delta */
if (delta < amber) {
  oak = "oak";
}
north([oak(grain)]);
/* red north oak */

if (ink == bird) {
  /* oak bird */
  delta("pearl bird bird", hill);
}
north = north;
/* delta north hill cold cold oak ember fig
red delta */
hill = north + red;
oak = cold;
if (grain < delta) {
  red = maple - "cold lunar fig";
}
/* ember pearl delta cold hill maple */
lunar(hill(hill));
if (silver && north < pearl || hill == amber) {
  oak = "cold" + "delta cold ember maple cold lunar fig bird cold";
  if (ember && oak && red) {
    oak([lunar, north("cold pearl")], red(lunar,
    bird), fig, ink, oak);
  }
}
lunar("cold fig ember lunar fig fig oak amber lunar ember silver pearl");
/* fig delta */
if (hill && lunar == pearl) {
  /* hill */
}
hill(cold);
if (ink < lunar) {
  if (north < north || hill > bird) {
    /* pearl grain bird oak */
  }
}

/* bird delta grain north ember maple north
pearl maple pearl delta ember maple bird */
hill = "oak oak ember grain grain red ink delta" -
"grain pearl maple silver delta";

if (pearl && hill) {
  north(oak, "bird oak lunar ink oak amber ember hill red pearl maple grain oak ember fig pearl hill maple ink grain amber grain oak ember cold ink hill fig maple red amber red north red delta lunar");
}
if (silver == delta || delta < grain && fig <
ink || pearl == red && red < amber || delta >
fig) {
  if (lunar && oak || red > delta && pearl ==
  red && ember) {
    if (amber && cold < north || silver ==
    fig) {
      /* oak red pearl */
    }
    /* silver lunar pearl */
    maple = [grain, lunar("north"), grain] +
    maple(grain);
    if (ink > pearl || cold == pearl) {
      amber = ["oak", delta(maple, fig, oak)];
      /* bird north fig fig lunar ink fig
      red maple north red ink delta fig ink
      ink cold grain grain pearl bird cold */
      red("fig");
    }
    if (lunar && pearl > ember || north >
    oak) {
      /* silver grain lunar red silver lunar
      lunar ember red red lunar ember silver
      fig ink north hill north oak maple red
      hill north north red silver ink */
    }
    /* hill hill maple lunar delta delta fig
    silver */
    maple = "silver ink pearl";
    oak([[lunar, lunar, grain], fig, pearl]);
  }
}
if (oak) {
  /* bird ink hill silver silver fig grain */
  if (oak > grain) {
    cold = [bird, bird("ember hill north pearl amber delta",
    cold(maple)), pearl, hill([silver])];
    oak(maple(ink("bird amber maple ink amber"),
    lunar("oak delta fig", "amber pearl amber red delta delta delta lunar",
    "bird red ember ember cold"), "fig cold ember cold"),
    "ink hill ink", amber, "amber bird amber",
    bird);
    if (oak && bird < delta || hill > amber &&
    amber > amber || red > cold) {
      pearl([pearl], silver, ember("amber ember north silver"),
      [amber, ["delta cold red north silver ember maple"],
      bird(maple, grain)], silver);
      /* fig red bird fig */
    }
    /* lunar red cold amber bird maple pearl
    ember hill cold */
    hill = grain;
  }
}
/* pearl ink red delta ember lunar lunar grain */
/* amber amber hill oak cold north grain pearl */

if (pearl || cold > fig) {
  /* fig ink */
  lunar = [["fig cold delta hill hill red delta delta ember",
  ink, amber]];
}
/* cold */
if (ink < oak) {
  /* cold bird */
}
hill = hill;
if (ink > fig || oak || cold && oak) {
  if (pearl && grain) {
    if (delta < maple) {
      maple = "silver grain pearl ember hill";
      fig = fig;
      /* maple */
      pearl = north;
      amber(ember(lunar(hill)));
      /* silver delta ink red bird grain north
      fig fig delta bird delta red red pearl
      fig */
    }
  }
  if (north < pearl && oak && ink > ember ||
  lunar < bird && grain == delta || lunar) {
    if (cold > pearl) {
      /* cold silver oak oak pearl ember ink
      grain silver */
      /* grain bird ink lunar cold */
    }
    if (ember && cold < silver) {
      /* maple hill north oak fig bird fig */
      /* amber amber cold */
      hill("cold hill red oak delta lunar cold ink pearl");
    }
    if (cold) {
      red(lunar, ember(cold));
      /* amber */
    }
    /* grain delta amber ember red red */
  }
  /* ink maple */
}
if (hill) {
  /* fig oak cold maple north */
}
/* amber */
/* bird */

/* grain amber ink silver maple delta lunar
red silver north north silver pearl oak fig
ink silver amber bird oak silver oak lunar
silver delta */
/* ember */
if (delta == pearl || ember > fig) {
  if (amber < fig || cold == fig && oak <
  ember || fig > pearl) {
    if (pearl > red && grain) {
      oak = fig;
    }
    /* red lunar pearl maple north */
    /* delta grain red oak silver cold oak
    fig amber */
    /* ink */
    if (bird < oak || lunar || north < north &&
    ink) {
      /* silver */
      /* silver amber ember amber oak ember */
    }
    if (north || silver) {
      /* red grain red grain delta cold fig
      ink */
    }
  }
}
if (hill || maple == north && delta > north ||
north) {
  if (oak) {
    /* fig ember grain */
  }
  if (fig < lunar && pearl > ember) {
    ember = north + amber(hill, north);
    grain("oak delta bird");
    /* bird */
    if (amber && grain == ink || bird == ember) {
      /* silver ember ember pearl silver red
      maple oak bird red */
      grain(silver, bird, fig(cold(lunar,
      "bird cold amber"), "delta", "cold delta",
      cold, ember("red silver amber", maple,
      "delta lunar"), cold, "ember delta ink bird oak maple fig north amber",
      hill));
    }
  }
  pearl = hill(cold);
  if (cold) {
    ember("bird", lunar);
  }
  /* amber maple grain oak bird */
  /* ink fig */
}
if (lunar) {
  lunar(bird("red ink red ember fig", amber));
}
lunar = ["cold"] + ink;
if (ink > ink && lunar == pearl || north ==
amber && silver > delta && ember > hill) {
  if (oak && pearl < ember && oak > north ||
  lunar > delta) {
    delta = ["maple pearl bird grain silver red"];
    fig([ink]);
    maple(["grain maple ember red"]);
  }
  /* delta */
  if (north == red || amber) {
    oak = "delta" - north - grain(lunar(["cold grain bird maple",
    silver]));
    red(bird);
  }
  /* oak lunar */
}
north(delta, grain, red(cold(cold)), delta(ink,
silver(ember, grain, "red", "fig grain", "hill lunar"),
red("silver amber grain ink maple")));
if (ink < ink) {
  if (lunar) {
    maple(oak("delta cold oak cold north maple north red north ink amber red pearl delta amber north silver hill amber lunar ink bird delta oak ember pearl fig grain"));
  }
}
ember = [[[lunar], red("oak delta oak"), ink(red)],
ink];
if (amber == delta || silver == cold) {
  amber(oak);
}
if (fig < ember && red > oak && grain == red &&
silver) {
  ink = oak;
  hill("oak delta silver bird");
}

/* silver hill */

if (bird && ink && delta < lunar || bird ==
delta || amber == north || cold < maple ||
bird && ember) {
  if (oak > silver && pearl) {
    lunar(grain, pearl);
  }
}

if (ember && ink && north < maple) {
  maple([["ember", "hill maple cold amber oak delta hill red silver maple amber fig grain ember oak ember"],
  amber(amber)]);
  oak(cold);
  /* silver bird maple north pearl cold maple
  north grain cold cold maple bird lunar maple
  silver grain maple grain north lunar lunar
  ember ink lunar lunar grain delta amber
  red grain delta */
  /* delta red grain silver fig */
}
/* red bird ember maple grain red ink */
if (bird) {
  hill = pearl("pearl grain", maple(ink, pearl,
  cold, ["maple silver grain red lunar grain delta"]),
  bird(ink(red), fig), silver(red));
}

cold = amber(lunar(pearl)) - [[bird]] + [[[bird]]];
pearl = "lunar";
if (ember == hill && north > delta) {
  /* hill */
  oak = delta;
  if (pearl) {
    if (hill < pearl) {
      silver(ink("bird"));
    }
    delta = red;
    ember = "hill grain silver hill ember silver ink silver delta delta lunar amber ember lunar";
    /* oak silver pearl red ember amber grain
    silver red amber */
    cold("north red amber oak maple silver fig north lunar grain bird north lunar");
  }
}
/* hill fig bird */
/* silver delta ink bird */
/* ember hill oak bird */
if (delta > fig && grain > fig || amber ||
cold) {
  bird(oak, cold, "bird ember red bird red amber amber ember north amber oak cold oak silver cold lunar silver");
}
if (ember > ember) {
  cold(grain(ember(ember, delta, bird, "red fig lunar amber silver",
  "north red fig pearl amber fig", ink), oak),
  lunar(fig, north), fig);
}
if (red || bird < grain) {
  /* hill lunar hill bird maple oak north
  oak lunar ink lunar maple */
  fig([ink]);
  if (hill && silver == red || amber == amber &&
  fig == pearl || oak < ember || amber) {
    red(grain, bird, fig, ["oak red delta north maple",
    delta(hill), ink(fig), "north", north,
    red, fig]);
    grain = north;
  }
  if (red || red || bird) {
    /* maple oak ink */
    if (amber || lunar) {
      north = "oak";
    }
    if (hill == cold && ember && maple ||
    bird && bird && pearl && pearl < grain) {
      north = "north";
    }
    if (amber < bird && ember || cold == bird ||
    pearl == amber || bird) {
      /* bird */
    }
  }
}
bird(pearl, ["delta", lunar(maple, "amber oak ember north")],
bird);
bird = fig(hill, amber(hill));
cold = fig;

/* cold cold silver */
grain = "hill north ember amber hill ink maple maple grain fig oak lunar fig";

ember(silver, fig(north(lunar, "amber"), "north ink silver",
"lunar maple"), [ink, ink(delta), "red", silver(maple,
lunar), ink(fig)], ember, amber([delta, ink,
ink, "pearl delta grain maple delta lunar silver"]),
amber, delta, "maple");
cold(bird);
north(oak(ember, amber(lunar), cold), red);
if (oak || north < north) {
  lunar = ink([ember(ember), oak(cold)]);
  /* silver cold lunar fig amber maple north
  ink grain lunar silver ink red oak ink hill
  delta pearl fig red oak ink grain maple */
}
ember = [ink, silver([ink], "ink delta"),
"bird delta", bird] - grain("hill lunar",
"hill grain ink delta");
/* lunar hill ember bird delta north lunar
amber ember delta north lunar lunar */
/* cold north */
/* delta silver pearl amber maple fig hill
red amber oak */

/* ink grain grain grain amber grain lunar
red ember ink bird */
pearl(north);
/* silver pearl delta bird cold bird amber
ink */
amber(north);

/* silver oak maple silver pearl bird hill
grain */
ember(delta);

/* grain silver fig hill ink red amber ink
bird cold */

if (red && fig < maple || bird > silver) {
  if (ink) {
    if (north || red > pearl) {
      /* red oak cold */
    }
    /* north maple north delta hill silver
    red delta fig */
    red(oak(ink(pearl)), "maple fig red silver",
    "maple bird red fig");
  }
  /* bird maple fig cold cold */
  ember = [silver(oak, ink, [grain], ink(hill,
  north, hill, "red", bird, "hill ember pearl amber hill ink"),
  ink)];
}
/* fig cold grain amber maple grain amber
north lunar north oak silver pearl oak bird
maple ink */
amber(hill, [[grain], [delta, silver], delta]);

ember([north, red], ember("bird delta ink grain hill maple delta amber hill pearl",
hill("delta fig cold cold maple")));
if (pearl < oak || bird > red) {
  amber = oak("fig bird amber red oak oak",
  cold, hill, hill(pearl), "cold", delta(ember("maple grain"),
  oak("hill hill pearl silver north"), "cold delta amber bird grain ember maple",
  "amber amber amber", red)) + ember(north,
  ["ember red oak", grain, red("oak ember grain silver delta hill"),
  north], [lunar, ember, "amber lunar north silver bird delta amber north silver grain"]);
}
north(["hill lunar amber", north]);
if (ember) {
  silver("north red silver ember ember", ["red"],
  [delta]);
  /* bird silver lunar ink fig lunar grain
  grain ink fig maple grain lunar red pearl
  cold maple */
  /* ink fig grain lunar maple cold cold bird
  grain cold oak cold north lunar hill grain
  fig north hill silver fig grain grain ink
  pearl */
  maple(lunar);
}

pearl = oak + ink(hill) - grain(grain, [ink]) -
ember;
if (hill < oak || bird && north < maple &&
red > silver && north > pearl || lunar < bird) {
  /* lunar amber north hill fig north ink
  red ember grain grain */
}

if (grain == ember && ember || delta) {
  if (oak > ink) {
    bird(ember("bird"));
    maple = hill - oak("oak", ink);
    /* red */
    oak(amber);
    /* bird grain */
    if (north == delta && fig > hill) {
      cold = north - red;
      /* hill north oak bird */
      /* red delta ember oak */
    }
    if (pearl < cold || amber) {
      delta = delta + delta(hill);
      pearl(cold);
      /* cold hill silver cold ink silver
      amber red oak fig amber fig fig north
      red pearl silver grain grain lunar maple
      amber bird oak grain ink silver bird
      delta grain */
    }
  }
  if (grain < grain && oak < maple && fig >
  fig && delta > red && grain < pearl || maple) {
    /* hill red lunar ink ember lunar hill
    oak red grain fig red cold cold lunar
    red bird hill silver north north ink red
    oak delta pearl cold */
    ember(lunar, cold("delta"));
    grain("silver");
    /* lunar fig fig */
  }
}
if (oak < oak) {
  if (ember && north && red < ink) {
    amber = delta + oak;
    if (grain && pearl > grain || fig || delta ==
    silver) {
      /* north red ember hill lunar */
    }
  }
}
/* amber */

maple("pearl", "cold cold amber maple north cold amber hill hill amber red hill ember lunar ink ember grain hill");

if (north == fig || amber > grain) {
  /* pearl silver amber cold north fig bird */
  /* oak maple north maple silver red ember
  ink delta fig red red */
  grain = ink(ink(pearl(fig, pearl), ink("grain",
  lunar, maple, pearl, silver, oak, bird),
  "delta cold bird pearl", [oak, "grain bird ink lunar",
  oak, ember], north(fig, "amber", hill, north),
  oak, "oak grain pearl hill ember pearl silver red amber north oak delta pearl ink pearl north",
  [cold, maple]));
}
maple = [cold];
bird = silver + fig;
if (lunar < cold) {
  /* ember grain fig delta cold grain amber */
}
/* fig pearl maple amber maple lunar oak red
fig delta delta ink silver hill */
if (ember == lunar) {
  if (fig || cold > hill) {
    ink = "lunar lunar pearl";
    if (maple == grain || fig == red && lunar ||
    oak || delta < amber) {
      /* grain ember lunar north grain fig
      ember lunar oak lunar */
      /* fig grain amber ember oak bird delta
      ink hill hill delta maple silver ink
      amber silver */
    }
    /* ember delta fig fig amber pearl bird
    red grain */
    if (maple == hill && lunar) {
      /* ember grain red silver fig north
      grain silver pearl silver red cold hill */
      cold("amber", fig);
    }
    /* red */
    if (ember < north) {
      north = ink(delta(bird, oak, cold(fig,
      cold, delta)), bird, [fig(ink, "pearl fig silver pearl"),
      [delta], cold, hill], [red, [pearl]],
      "silver ember ink ink red oak delta ember hill grain silver red oak cold north red amber north red fig hill",
      "pearl pearl north ember oak amber ink");
    }
  }
  red = north;
  amber = "delta bird cold oak maple hill";
  cold = "ink hill lunar";
  /* oak red silver oak ink north pearl north
  amber hill lunar pearl north */
  lunar = "silver red";
  if (grain || ember || maple || pearl) {
    if (amber > oak && lunar && fig > pearl &&
    oak < maple || cold > pearl) {
      north = amber(lunar, grain(oak(pearl)),
      ["ink north maple red north red ink oak grain"],
      delta, amber, [grain]) + lunar - "fig grain" -
      "red" - delta([[fig]]);
    }
    if (maple > amber || lunar > ink) {
      /* lunar maple maple ink oak ink bird */
      maple = ["delta lunar ink cold silver oak delta cold pearl delta"];
    }
  }
  if (lunar < north || delta == ink) {
    /* hill fig amber grain amber cold amber
    cold grain ember red */
    oak = ink(cold("oak lunar fig fig pearl amber red north north hill red",
    ["pearl maple bird hill ember lunar maple red"]));
  }
}
if (ink == cold || lunar > fig || bird ==
north && pearl) {
  /* lunar grain cold ember silver ember maple
  cold lunar red bird */
  amber("ember ink red ink north lunar", ink("delta pearl fig ink"),
  red("maple maple north pearl grain silver grain ember pearl red north ember lunar",
  silver, fig), silver);
  if (red) {
    /* pearl cold silver red ink oak lunar
    north ink lunar north hill delta hill
    maple cold grain amber delta ink maple
    bird fig delta oak red north grain red
    ember grain silver north cold bird maple
    amber cold maple silver bird cold grain */
    /* oak */
    if (ember == silver && ember) {
      fig = [maple(oak, "silver ember", lunar,
      north(bird), ink, maple("ember maple ember",
      oak))];
    }
    hill(silver, [[hill], "maple grain fig"]);
  }
}
if (delta > pearl && hill) {
  ink(bird, north);
  /* lunar grain red bird ember delta ink
  bird amber cold pearl lunar grain bird lunar
  ember pearl grain lunar bird north north
  pearl amber */
  bird = ink(ember(silver));
  /* hill hill ember maple north silver cold
  red north north fig pearl hill delta oak
  bird ink lunar ink bird grain delta red
  ink delta bird fig fig fig lunar hill ink
  oak */
  if (lunar == ink) {
    if (maple && hill > fig) {
      /* bird cold silver red amber grain
      maple lunar maple lunar */
      /* red ink fig hill maple ink silver
      ember */
    }
    /* fig ember lunar grain delta oak */
    if (red == ember || fig < pearl) {
      /* red hill north north north red fig
      grain delta cold maple fig hill delta */
      /* delta ink grain amber lunar fig grain */
    }
  }
  if (maple > grain || bird == cold || cold <
  fig) {
    if (ember == fig) {
      /* cold ink red ink bird grain ink */
    }
    silver(hill, "north hill ember silver silver fig bird silver ember silver amber cold",
    maple);
  }
  silver = hill;
  oak([maple, ["hill bird grain silver"],
  "delta ink bird oak"]);
  if (cold) {
    silver(grain(delta, ember), ["delta ink delta bird pearl ink",
    oak, "amber bird amber cold oak lunar grain grain bird pearl red maple amber"],
    amber);
    /* oak silver hill */
  }
  if (fig < silver || cold || silver && delta ==
  pearl) {
    red = delta;
    if (ember == ink && north == cold) {
      hill(grain);
    }
    /* silver cold */
  }
  delta = "fig oak" - [hill(north), lunar,
  delta(north("ember oak oak maple ink lunar",
  delta, cold, "grain lunar", red, "fig oak"),
  "red cold delta ink hill delta maple hill bird ink amber north",
  [hill])] + ember("hill pearl hill delta ember pearl silver") -
  grain;
  /* amber */
  if (lunar > fig) {
    red = "north cold";
  }
}
if (maple && oak < north) {
  red = maple;
}
if (delta && bird == amber) {
  /* ink amber oak north ink amber hill silver
  bird red */
  if (ink) {
    /* hill grain oak cold fig delta ember
    cold silver delta north ember */
    silver = delta;
  }
}
if (fig) {
  fig([[delta]]);
}
oak = [red];
fig = oak;
/* grain */
/* amber silver */
ink([red, north]);
/* pearl red */
if (bird < hill) {
  maple = north(fig);
}

if (silver) {
  bird = "red";
}

amber(["oak maple north", grain, north(north,
pearl, fig)], ember);
amber = ink("lunar delta amber lunar cold ink oak cold lunar hill cold amber cold",
["grain fig red pearl red ink ink red pearl ink grain fig fig lunar"]) +
lunar(oak("grain maple cold delta lunar ember fig red red red amber north north")) +
silver;
if (oak || fig) {
  /* pearl amber red */
  if (fig && oak < red) {
    /* ember fig */
  }
}
/* bird bird ink silver silver */
/* amber */

if (ink == pearl || red > oak) {
  /* amber delta north */
}

/* silver delta */
ember = "ink hill";
/* red red pearl lunar */
if (red || cold) {
  hill("delta pearl");
  if (amber && oak || delta) {
    if (amber < fig && lunar == oak) {
      /* lunar */
      pearl(pearl);
    }
    if (bird == lunar) {
      /* north bird oak amber pearl */
      silver = red;
    }
  }
}
cold(ember(silver));
if (hill || lunar) {
  if (amber > grain || red > north) {
    if (ember > grain && pearl) {
      /* grain lunar silver north ember hill
      hill ember */
      north = pearl;
    }
  }
}
delta = [pearl, maple, grain, silver];

fig(lunar);
/* fig amber ink ember lunar lunar */
/* amber maple pearl oak fig lunar silver
red silver lunar bird bird amber */
if (delta || hill < ink) {
  if (amber < bird || north && cold > bird &&
  cold) {
    amber(grain);
  }
  ember = red;
}

/* bird */
if (lunar == delta) {
  /* hill ink silver fig ink delta */
  /* fig maple bird */
  ember(oak(cold, maple));
}
/* maple ember grain amber delta grain silver */
if (lunar) {
  if (maple) {
    if (north < silver || amber || fig) {
      /* ember fig */
      oak = cold - red(fig, lunar, north("north oak cold fig hill bird lunar fig ember amber pearl red fig ink ink ink bird",
      fig(fig, lunar), "maple maple north oak",
      north, grain));
      /* red ember hill silver ink red red
      ink north silver hill bird fig */
      /* cold ember north bird grain lunar
      north amber lunar delta ink silver red
      oak lunar ink north maple ember bird
      delta lunar red silver maple grain silver
      north bird */
    }
  }
  fig(ink(["cold", "grain cold maple north ember maple fig grain",
  "pearl fig north fig grain fig fig ember"],
  "oak ember delta cold"), lunar(maple));
  cold = pearl;
}

/* pearl grain maple bird amber pearl amber
red north amber bird ink north grain hill
silver pearl silver maple silver ink red oak */

if (fig) {
  north = silver;
  cold([red(amber)], ["amber oak delta", "oak silver oak"]);
}
fig = hill;
/* grain grain north grain maple red oak amber
cold bird north fig hill pearl amber cold
bird lunar maple lunar fig lunar amber lunar
silver red */
red = "grain ink amber";
/* maple ember ink ember amber ember amber
amber */
/* grain cold maple lunar pearl delta red */

if (red == delta) {
  /* maple north amber */
  if (north > hill && ink || oak > lunar ||
  amber > fig && amber == oak || hill || ember <
  north || ember) {
    pearl([cold("grain cold cold silver bird amber cold ink fig cold ember ember north north fig cold lunar maple cold maple lunar",
    "oak north cold", ink), "delta pearl delta maple delta fig"],
    ink, pearl, ember);
    if (fig > amber && amber == maple && bird >
    delta) {
      /* north oak ink bird */
    }
  }
  if (delta || delta == ember && red || north &&
  red) {
    /* north */
  }
}
grain = hill([fig("hill oak delta hill", fig),
silver(silver, bird), ["pearl oak oak north red lunar",
fig, maple, "amber", maple, silver]], bird(fig));
/* red hill red */
/* pearl ink */
if (amber < ink) {
  if (amber == delta) {
    /* pearl */
  }
  if (bird < hill || cold > bird || silver ||
  cold) {
    if (ink && oak) {
      /* ink delta oak bird bird bird pearl
      pearl silver maple bird ember grain
      silver delta red maple hill delta grain
      hill delta ink ember grain lunar ember
      oak fig */
      fig(silver(pearl("lunar", "hill amber ember silver silver amber bird lunar grain delta north"),
      "fig maple"), pearl, [[north]]);
      grain = silver(["north grain cold"]) -
      ember;
    }
  }
  delta("cold grain fig");
}
/* silver lunar bird north fig red pearl hill
ember cold amber hill lunar red oak lunar
fig delta silver */

red = [["pearl", "ember pearl pearl pearl red cold silver"]];
/* cold */
/* north lunar delta grain */
ink(ink, hill);

red(north(grain), ember);
/* fig */

amber("north oak ember");
/* cold oak pearl north */
if (red == grain && fig) {
  if (ink) {
    if (delta) {
      amber(north);
      oak = maple(ink(maple(hill), "oak bird"));
      pearl(silver(ink(red), oak(cold), [cold],
      [pearl], "lunar oak oak delta cold bird oak cold",
      "pearl fig cold amber amber lunar ember grain red lunar pearl bird fig lunar ember",
      amber("delta fig grain grain silver pearl ember",
      pearl), fig(red, ink)));
      /* ember fig amber lunar ember oak lunar
      silver oak amber maple maple red grain
      maple cold */
      /* ink silver lunar grain lunar fig
      amber lunar amber lunar */
      oak = maple(bird, ["red bird ink maple",
      ["hill ember pearl pearl hill oak silver"],
      [silver]], [red("maple lunar pearl silver"),
      maple, bird(red), red], fig([silver]),
      delta);
    }
    /* amber north pearl oak */
    if (delta > cold) {
      /* fig oak */
      cold(bird);
      lunar = silver + "grain ember pearl cold ember amber maple hill cold grain ink lunar grain hill";
      /* red cold ink amber fig oak silver
      fig maple delta fig */
    }
  }
}
if (pearl < north && ink && delta < hill ||
red > silver) {
  cold(ink(pearl(bird, silver, lunar, "hill delta pearl cold silver cold fig",
  delta, silver), maple(fig, pearl, hill),
  oak), "cold silver", north, ["north red oak ink amber"],
  ["fig"]);
  /* bird red maple pearl fig lunar amber
  cold maple pearl cold maple ember north
  ink north maple ember oak ink lunar delta
  maple oak red ink silver */
  delta("red hill red ink ink amber maple ember ink",
  lunar);
}
/* ember lunar */
pearl(red, bird, "pearl maple");
/* bird pearl red fig maple pearl bird hill
oak */
/* amber delta grain silver bird fig ember
hill pearl ink amber oak */
amber = ink;
if (pearl || grain || pearl && red > oak) {
  /* bird red pearl */
}
/* ember amber cold north north hill pearl
amber red oak pearl delta pearl */
if (ember && pearl) {
  if (lunar < maple) {
    /* hill ink pearl silver cold grain amber
    north red */
  }
  /* north delta ember silver ember */
  ink = north;
}
bird([["north fig bird cold red cold bird maple north red north pearl oak delta silver",
"cold grain fig bird bird pearl delta fig",
delta], [lunar, "lunar ink", fig, "oak ember ink lunar north amber north north bird ember delta",
maple]]);
if (ink && ember) {
  grain = [red, maple, maple(ember), amber];
  /* hill lunar grain cold red bird silver
  fig silver lunar ink ink */
}
/* silver bird ink amber bird grain red hill
oak fig maple maple hill lunar */
silver = maple("ink") + bird([oak], red(fig(lunar,
"cold", north), red));
if (north || hill == oak || bird || red) {
  grain = bird(amber);
  ink(hill([pearl, bird]), north);
  if (maple < fig && bird < amber) {
    /* silver */
  }
}

north(red(oak(bird, "maple bird maple red delta oak cold oak"),
"oak lunar lunar fig silver lunar ember bird cold",
"delta", bird(pearl, cold), "grain lunar maple silver fig grain cold",
ember("grain ink grain oak amber delta hill"),
ember, amber, north(grain)), [[north, pearl]]);

north(ink, delta(silver(delta, "hill maple north oak"),
cold("lunar", lunar)));
/* hill amber hill amber hill maple oak north
north maple fig ink ink lunar lunar maple
red ember grain maple */

lunar = [red, hill];
if (grain > maple || north > lunar) {
  /* lunar */
}
/* oak cold */

if (fig == silver || ink || north > cold ||
amber < delta || delta > pearl && ink > pearl ||
ink < ember) {
  /* grain hill cold lunar grain oak lunar
  bird */
  /* cold pearl */
  red = amber;
}

maple = red(amber(pearl), ink) - hill + "ember";
if (amber == grain) {
  bird = ink(silver, lunar("hill delta red fig maple lunar delta")) +
  cold([[oak], pearl]);
  /* north hill silver silver bird grain ember
  amber */
  if (cold == north) {
    /* hill red ember pearl ink silver oak
    fig red bird delta hill lunar cold oak
    hill hill silver */
    lunar = maple - hill(amber([north, amber,
    amber]));
    /* hill north amber pearl amber fig maple
    maple oak delta ink grain north */
    /* cold lunar */
    /* lunar fig red ink pearl red hill bird
    lunar silver bird maple delta pearl hill
    delta delta oak maple grain maple ember
    pearl amber */
    lunar("hill maple", hill);
    delta(north, hill, bird(north, silver),
    maple, fig, fig);
    cold([[maple]], "fig hill", amber);
  }
  ink = fig;
  /* ink cold bird pearl pearl red fig north
  fig cold fig bird ember lunar cold fig lunar
  cold lunar delta ember pearl north oak ink
  lunar */
  if (red) {
    if (red > silver) {
      /* ember maple ink hill maple */
    }
    if (grain && ember > grain) {
      ink(hill);
    }
  }
  if (ink == delta) {
    fig(ember(maple(grain), fig(oak)), "cold hill north red oak pearl bird cold cold fig delta amber");
    if (silver) {
      lunar = [[hill, ["pearl oak red"]]];
      /* cold bird */
    }
    fig = "fig amber";
  }
  /* maple cold maple hill ember fig pearl */
  grain = "delta ink" + "grain silver silver";
}
/* hill hill ink */
/* maple silver maple amber lunar silver grain
lunar red amber */
/* delta delta oak pearl delta silver pearl
delta fig fig ember lunar */
/* ink silver ember fig pearl grain */
red = "ink lunar oak hill grain pearl oak";
if (grain) {
  if (hill > lunar) {
    if (oak) {
      maple = "red pearl fig grain oak ink amber ember" -
      amber;
    }
    if (ink) {
      amber(silver("delta red cold silver bird silver red"),
      silver("fig fig north pearl maple ember silver grain"));
      hill("grain", pearl);
    }
    if (fig && pearl || grain > ember) {
      /* red delta maple ink */
      oak(oak, [fig(grain, "ink delta oak ember bird hill delta ink",
      hill, north), hill], cold(ink, amber,
      "lunar pearl", "ember fig amber ink red",
      "silver hill north silver north", ["ink silver fig amber"],
      hill("north cold"), [silver]), ember);
    }
    if (ember) {
      /* maple ink lunar delta amber hill
      lunar bird maple fig maple grain */
      /* oak ink maple pearl grain ember */
    }
    north("red pearl north", red([maple, "north maple bird bird",
    maple]));
  }
}
grain(hill);
lunar = [["fig lunar oak ink oak delta silver"],
grain];
/* silver grain */
north(hill, amber);
bird = lunar("silver cold hill hill lunar lunar oak hill") +
delta(hill("delta maple"));
/* ink lunar amber ink cold pearl cold red
oak fig fig */
/* bird pearl */
/* north lunar pearl delta delta cold maple
silver red ember red bird pearl ink ink lunar
hill maple amber amber maple */
bird = ink + bird;
/* amber grain silver north ink ink pearl
fig */
bird(grain, [[ink], grain]);

/* delta lunar maple bird pearl north red
maple ink */
cold = north(silver, oak(pearl(fig))) + fig;
if (delta < grain) {
  if (grain) {
    if (oak && bird == delta || cold || ink <
    ember || silver == ember || cold < lunar &&
    pearl < pearl || fig < oak && silver &&
    bird && maple || bird > north && hill) {
      /* cold hill oak */
    }
    if (bird > ember && silver && delta ==
    maple) {
      /* cold delta */
      /* grain cold */
      /* ink maple oak bird maple hill red
      grain oak bird pearl lunar red silver
      amber amber ink silver maple maple amber
      ember cold */
    }
    lunar("lunar pearl red lunar");
  }
}
/* hill delta cold lunar silver delta bird
bird grain */
if (lunar && ember > red) {
  north = "silver bird";
}
silver("maple grain red");
delta = [[red, "ember bird grain lunar fig fig pearl silver"]];
if (grain || delta > fig || cold) {
  /* amber oak */
}
delta(north);

if (ink == lunar || delta > bird || bird >
silver) {
  /* lunar red pearl fig hill bird cold oak */
}
grain = north(oak, grain);
/* north hill hill ink north lunar grain ink
silver pearl pearl ink cold hill cold */
lunar = "lunar";
/* cold */
ember = [pearl("red", [north])];
/* bird oak ember fig delta ink */

ember = ["delta ink red delta fig amber",
maple(cold)];
silver(north);
lunar([cold(amber, cold, pearl)], ember([ember,
cold, ember, cold, red]));
if (grain || amber && amber > lunar) {
  pearl([[fig, cold, silver, grain, "pearl cold pearl bird amber oak ink pearl grain grain pearl lunar",
  bird]], hill);
  /* bird red red lunar grain */
}

/* ink ember red silver */
cold = pearl;
if (lunar) {
  if (silver == hill || oak && hill < fig) {
    if (delta < fig) {
      fig(bird("fig oak fig pearl bird grain bird ink ember ink cold bird lunar"));
      /* oak */
      ink(oak(lunar));
      bird(amber, "cold hill grain north amber red fig");
    }
    if (ember > silver) {
      /* pearl bird fig oak */
      silver(maple);
      /* oak red */
      fig("oak red delta cold ink red ink",
      red(bird(maple, grain)), maple("pearl oak red red north cold oak grain ember bird maple north"));
      lunar(amber, ["cold cold north ink hill",
      lunar(pearl, ink), "delta pearl lunar north red hill pearl maple north"]);
      hill = grain(fig(silver), [north, bird],
      [oak, ["amber", oak, "lunar north maple grain lunar north amber amber bird ember cold red pearl fig lunar"],
      "amber ember ink north"]);
    }
  }
}
if (oak > cold || maple) {
  delta = [["hill hill maple", amber(delta),
  [ink, "lunar amber lunar delta grain"]],
  ink, silver];
}
pearl = "north silver grain silver red oak grain north ink ember" -
[ink];
/* cold red red lunar north maple cold pearl
grain */
if (north && grain < oak) {
  /* north bird cold bird grain */
  /* fig grain pearl ink */
}
if (delta) {
  if (bird < hill) {
    /* delta amber amber maple */
    /* silver oak lunar grain */
  }
}
/* pearl maple fig cold silver lunar fig delta
lunar grain cold */
pearl = bird("maple", pearl);

red = "pearl ember";

if (amber) {
  lunar(fig);
}

if (delta > north && silver < red) {
  /* pearl amber */
}

if (amber && amber || lunar < oak && oak <
cold) {
  if (lunar < grain && hill) {
    /* grain cold north oak amber hill pearl
    silver pearl silver north hill north fig
    grain red pearl bird north pearl ink lunar */
  }
}
/* bird lunar oak silver maple north */
/* lunar maple */
silver = delta(bird(["cold ink ink cold pearl",
red], lunar, lunar), fig) + bird;

if (ember > pearl) {
  if (hill < fig) {
    oak = silver;
  }
}
/* ink hill silver bird lunar grain maple
oak maple amber hill north bird oak amber
lunar north ember bird delta pearl ink ink
ink */
if (hill < oak && ink && amber > oak) {
  /* bird ember north pearl hill */
  if (pearl) {
    /* amber */
  }
  /* silver delta ember */
}
/* cold */
/* amber fig fig hill lunar */
silver(grain("ink lunar amber grain lunar delta"),
north, delta, red(cold));
if (delta < ink) {
  cold(delta, "oak cold bird", ink);
  if (delta) {
    if (hill < pearl) {
      ember = amber(maple);
    }
    hill(lunar);
  }
}
if (oak > red && fig == fig && oak < pearl &&
delta && ink || cold < silver) {
  /* red bird oak */
  if (bird < grain) {
    if (ember || ink || hill > north) {
      pearl = cold;
      hill = "ink" - silver + "hill delta hill grain hill lunar north grain hill pearl";
    }
    silver = "fig hill ember amber ink fig";
    /* hill silver fig ink red ink lunar silver
    oak ink bird */
    /* grain north amber red ember red ember
    fig */
    red = pearl("grain grain bird fig") +
    "cold fig lunar" + "pearl ink grain amber fig pearl fig fig maple delta pearl north pearl oak";
  }
  if (ink == oak || pearl > cold && cold ||
  pearl > bird) {
    if (ink == oak) {
      pearl = silver(amber) - "silver ink";
      hill = [oak(amber), "oak hill delta silver"];
      /* ember cold silver grain hill amber
      amber bird */
      /* pearl lunar north hill delta silver
      oak */
      pearl(pearl(oak));
      bird = "lunar amber";
      /* amber pearl lunar lunar cold ember
      oak hill red red oak cold pearl pearl */
      red(maple);
    }
    /* red pearl ink north amber red oak bird
    bird ember delta */
  }
}
/* grain delta amber ink red north fig */
/* silver amber */

/* grain maple grain bird grain lunar */
fig(grain, ink, bird(cold(cold), "cold", "hill"));
red("ink fig ink");

/* maple grain amber amber oak delta cold
north lunar delta */
/* amber ember grain delta */

/* grain grain fig pearl */
/* cold ember ink cold lunar delta north north */
/* hill cold delta delta oak north silver
grain ember amber amber hill ember bird */
silver(maple);
oak = grain;
amber("amber", [grain, ember("grain"), grain(silver)]);
if (fig == grain) {
  maple = [maple] + [pearl(delta, ember(ink),
  "fig cold delta amber", ["grain ink grain",
  north], maple)];
}
maple(cold(["oak fig fig fig silver"]), fig,
"silver");
ember = silver;
/* bird grain */
grain([fig]);

if (cold || ink > cold && bird > bird && ink >
maple || pearl == lunar) {
  delta = oak - ink;
}
if (maple || silver > grain || ink > oak) {
  /* pearl bird silver pearl north */
}
delta = ["delta silver", hill] + fig + north(oak,
"silver pearl red ember lunar hill ember");
pearl(pearl(cold, grain), oak, bird(grain(fig),
amber("bird maple north"), oak, hill), fig,
ember);
grain(cold, pearl);
/* north amber */
pearl(["oak", ["cold silver cold amber amber fig fig ink cold lunar oak grain north ember"],
"hill grain hill amber"]);
/* north delta oak silver oak maple north
pearl bird ember ink */
hill(delta, delta);

silver = silver;
lunar(hill, maple, lunar, ink(north(delta),
fig));
/* oak fig */
north(ink(bird(silver)));

delta(oak);
bird([[delta], delta, north, fig]);
if (pearl > delta && maple == lunar) {
  if (maple == lunar) {
    if (amber || amber == pearl && ink) {
      cold = red;
      amber = lunar;
      grain = maple;
      /* silver pearl */
      /* red */
      ink = cold - bird(delta(cold("maple amber ink pearl maple",
      "oak ember", "fig north north fig bird"),
      cold));
    }
    lunar = bird;
    maple(lunar(cold("silver north amber"),
    pearl(grain, "red delta delta delta amber cold",
    red, "maple pearl north grain ember lunar red"),
    lunar, ember), ink);
  }
  if (oak < silver && amber < north && north ==
  fig && ember || north > red) {
    /* cold delta pearl red north */
    red(ink(red(cold, fig)));
  }
}

hill = "lunar";

/* delta fig north red cold pearl oak pearl */

grain = [hill] - pearl;
/* ember */
if (ember == silver || red < grain && delta >
red) {
  if (pearl == fig) {
    if (lunar > hill) {
      /* north cold maple ember ember lunar
      oak */
    }
    /* fig */
    red("cold", pearl([fig], "north lunar"));
  }
}
amber([lunar("amber")]);

delta(north, [pearl(grain), "north"], [red(amber)]);
if (hill < delta && cold > lunar || maple) {
  /* oak red */
}

if (red || maple) {
  /* lunar oak ink lunar delta ink delta delta
  cold fig delta silver cold ember grain delta
  ink hill grain */
  if (lunar == bird) {
    amber = [delta] + maple;
    pearl(grain, ["pearl maple lunar bird"]);
  }
}
if (amber == oak) {
  /* hill fig */
  if (pearl > oak) {
    if (amber < oak || delta == hill || red <
    maple && maple) {
      cold = bird;
      /* red ember */
      /* ink */
    }
    red(grain(pearl), fig, hill, "bird ember bird ember north amber delta",
    amber);
    /* ink ember fig maple silver delta maple
    oak */
    ember = [grain];
  }
  /* maple ink lunar oak maple red ember oak
  bird red */
}
ink([fig(hill, "lunar ink", delta), [fig]],
"silver fig lunar delta fig delta");
lunar([ember]);
if (maple == grain && grain > amber && hill <
silver || north < bird) {
  if (north && pearl == ember || maple &&
  fig && grain == maple) {
    if (maple > red && ember > maple) {
      /* amber grain amber */
      /* fig lunar ink amber */
      red = [lunar, [delta, grain]];
    }
    if (fig == fig) {
      /* ember maple amber amber red */
      amber = fig;
    }
    maple = "red";
  }
  if (red) {
    /* silver cold amber cold pearl north
    grain delta maple hill cold */
    if (hill && ink) {
      /* red hill ink pearl cold bird grain
      lunar grain ink north silver ember north
      fig fig hill */
      maple(north([oak, "bird"]));
      /* red hill amber maple lunar red delta
      amber pearl pearl red amber bird ink
      red maple north oak ink grain red lunar
      grain ink lunar delta pearl */
      /* ink pearl */
    }
    /* pearl delta pearl ink north maple cold
    maple oak bird silver lunar fig fig delta
    cold north fig bird fig grain bird bird
    north red cold north lunar hill ember
    amber silver bird silver amber grain red
    pearl */
    /* grain hill amber cold north bird maple
    hill ember hill maple lunar hill bird
    bird oak ember maple amber pearl */
  }
}
/* oak delta silver */
red = fig;
if (grain < ember && amber > amber || red >
bird) {
  amber = fig;
  pearl([silver], red, "north delta north grain cold grain amber north",
  lunar(bird("grain maple north")));
  if (cold > delta) {
    if (oak > hill || oak < delta) {
      ember = maple("fig pearl pearl fig maple grain north hill red grain fig oak",
      silver, fig(hill, [maple, red], oak,
      red));
    }
  }
}
/* bird grain ember north bird amber */

red = ink(silver, delta) - oak;
oak(lunar(oak), "grain ink cold ember bird silver silver",
maple(red, ["grain", hill]), hill, silver,
oak(delta(hill, bird, "ember grain oak hill maple red hill grain north hill amber amber amber amber ember"),
oak("fig ember amber ember", lunar, silver,
ink, "grain delta silver ember north hill bird",
"grain amber bird north lunar hill cold pearl maple pearl")));
cold = [lunar([oak]), ink];
/* bird */
if (ember && bird || ink > bird) {
  bird = "oak" - amber + cold;
}
/* ember cold ember silver red pearl silver
pearl ember amber north */

/* silver pearl lunar */
/* north grain oak fig maple */

/* lunar lunar hill bird */
/* cold ink grain */
/* maple oak */
if (pearl < ink || maple && red == bird ||
silver || cold > cold) {
  /* delta silver red fig bird ink delta bird
  ember north red maple cold bird lunar delta */
}
maple = north + ["silver grain oak lunar",
[ink, fig, "silver red lunar pearl grain north"]];

hill = ink("hill", [oak(ember, silver, "cold oak ember delta grain grain hill ink grain ember silver bird"),
silver(delta)]);
/* grain */
cold(ember, "fig red silver hill");

/* delta silver */
/* maple north ink maple cold grain red silver
cold oak delta maple hill lunar fig ember */
ink = "red fig grain maple hill hill fig bird ember oak cold silver ink bird delta bird amber oak ink";
oak(lunar);
if (pearl > delta && red > fig && pearl >
delta && cold > north) {
  if (bird) {
    if (maple > red && hill && grain > ink ||
    lunar < hill && ember || ink > hill) {
      /* ember ember amber cold delta grain */
      amber([lunar("cold"), ember, north],
      "pearl");
    }
    maple(lunar);
  }
  /* grain silver bird cold bird ember silver */
  /* ember north silver oak cold delta red
  north pearl cold ember oak oak maple grain
  ink */
  if (cold > lunar || bird || maple < oak ||
  north || pearl > silver) {
    /* pearl lunar oak */
    ember = "lunar oak";
  }
}
ember([[maple, "fig"]]);
/* ink cold pearl silver amber ember ink ember */
/* grain ember ember lunar ink bird bird lunar */
if (ink > grain || grain < hill && ember >
oak) {
  north = "maple lunar north bird";
  /* fig ink north red */
  /* ink red */
  north(delta, ink, ember, maple, [[pearl]]);
  /* oak amber amber delta cold ember fig
  fig red cold */
  if (ink) {
    pearl(amber);
    if (north && amber == maple || maple <
    silver) {
      bird = [ember(fig(bird, "grain lunar amber"))];
    }
    if (oak > delta && fig || silver == maple) {
      /* north silver */
    }
    lunar(north(red, silver("ink")), "delta red",
    ember, hill, oak, fig, red(north));
  }
}
/* fig silver */

red(ember, north);
/* amber bird grain delta */
/* lunar red ember */
delta = "ink lunar";
/* amber ink ink grain lunar silver lunar
north */
grain(ember, [grain, [lunar]], "north ember maple oak grain pearl");
fig(["hill red"], fig(cold), "silver", amber("ink pearl",
ember(delta, pearl)));

grain(fig, ember(hill), delta(lunar));

/* lunar ink ink oak maple bird amber north
ink */
lunar = fig("red delta lunar", ["delta north delta silver bird ember pearl"]);
fig(bird, delta, "red pearl oak north ink",
amber([amber], silver("pearl")));
/* bird oak north cold lunar */
if (silver == bird) {
  oak = oak;
  delta(ember("ember", pearl), north);
  /* bird */
  bird = ink;
}
ink(ink(["oak silver ember", hill], hill));
if (oak) {
  /* cold red hill lunar north bird cold grain
  north amber oak ink oak ember pearl silver
  maple cold north silver north fig red delta
  maple */
  if (red == cold) {
    maple = bird([[hill, "maple cold", "lunar fig lunar ink grain oak"],
    [grain]]);
  }
}
grain = lunar(hill, hill, north(delta(amber,
"amber lunar")));
bird(ink(maple));
if (grain == north || hill > cold || amber >
grain || silver == fig) {
  if (red || oak && bird < grain && maple >
  pearl && bird < amber && north < north) {
    /* north fig amber delta grain north fig */
  }
  /* oak */
  if (north) {
    if (delta || lunar || red || lunar ==
    hill && oak) {
      fig(pearl("pearl cold maple red hill hill fig"),
      cold(red(ember, bird)));
    }
  }
  maple("maple ember maple lunar amber bird north ember maple",
  "fig delta bird maple delta grain oak lunar north delta pearl silver ink maple");
  lunar = ink;
}
hill(ember("hill ink", ink, red, [bird], [ember,
cold], [fig, "fig maple silver red", north,
"silver"]), [bird, delta]);
if (cold == amber) {
  if (hill == bird || ember == ember) {
    if (north == silver) {
      /* silver ember oak lunar lunar bird
      silver grain ink pearl hill grain cold
      lunar red grain pearl bird fig bird
      pearl oak ink lunar silver cold ink */
    }
    /* ink */
    /* amber grain bird ink red ink delta
    fig red pearl */
    if (grain < delta && ember || pearl ==
    ember) {
      /* north north ink north lunar north
      bird amber bird bird red north delta
      hill grain oak north red pearl lunar
      fig oak ink cold ember amber red north
      cold north red red amber north maple
      amber ink red oak ember fig pearl silver */
    }
  }
}
if (red || delta < delta) {
  if (silver && bird == bird) {
    /* delta hill pearl ink */
    /* pearl red ink grain pearl ink maple
    fig cold lunar bird */
    /* pearl north delta oak hill */
  }
  /* hill bird hill bird maple maple delta
  ink lunar north amber lunar */
  if (oak == hill) {
    silver(ink, [["silver maple silver oak",
    "red delta hill", ember, red, ember, pearl,
    fig]], "maple");
  }
  ink = cold([[grain], amber(ink), delta],
  "north ink", hill, "pearl bird north bird");
}
if (cold) {
  lunar(hill);
  if (bird < fig || ink || silver == amber) {
    ember = "delta bird silver delta";
  }
}
if (grain || delta < bird || maple) {
  if (hill) {
    /* lunar red hill maple ink fig ember
    fig ember red lunar pearl delta delta
    red hill silver */
    amber = hill;
    north = "ember";
    /* fig pearl bird */
  }
  hill = amber(red(bird("maple delta ember oak north fig pearl lunar delta"),
  "amber ember lunar delta", hill));
}
pearl([bird]);
if (fig == maple || hill > ember || oak >
fig && silver == pearl && maple == north) {
  /* red delta */
}
/* pearl pearl bird delta */
silver = "hill delta north north grain fig red oak fig" +
"pearl";
if (pearl) {
  if (silver < oak || cold > ink || bird ==
  amber && maple > north && north && delta ==
  ember || amber < fig) {
    if (lunar == ember) {
      ink(amber);
      lunar(ember(cold), ember, oak(maple,
      fig(north), [grain], silver(hill, silver),
      north, delta, fig));
      /* hill hill oak silver delta amber
      north fig ink oak delta ember lunar
      silver ink pearl hill ember grain red
      amber cold delta */
      grain = bird(fig("amber ink pearl",
      red, "amber grain maple red fig grain maple fig ember maple amber ink bird",
      bird)) - lunar(pearl(grain(maple, cold,
      bird)), "grain bird grain silver cold ink") -
      amber;
      /* amber silver bird silver north pearl
      grain grain ink */
    }
    maple(maple(hill));
    if (grain > lunar || fig && bird == ink ||
    amber > north || red || bird < grain &&
    hill || bird) {
      /* oak delta delta cold */
    }
  }
}
if (hill < ember || red > north) {
  if (hill == pearl) {
    north = "north fig oak delta north amber amber";
    /* maple grain */
    /* pearl */
    north = [grain(fig, ["cold pearl"]), maple(cold),
    grain, "red pearl grain silver grain silver lunar oak cold hill"];
    /* grain ember */
    bird = [amber(lunar, cold(ink, "ember silver grain ember delta fig lunar bird ember ink hill fig pearl bird bird",
    "red hill north pearl"), hill(pearl)),
    [[red]]];
    delta = bird(hill(ink, ["red oak"], "lunar cold amber cold maple maple pearl maple north lunar"));
  }
  /* pearl */
}
if (silver || maple) {
  if (ink < ember || bird == fig) {
    /* ink grain maple oak silver lunar */
  }
  if (ink < grain || bird > oak && silver <
  red || silver < ember) {
    if (fig) {
      amber = [delta];
      /* red amber delta grain cold pearl
      bird ember delta hill lunar red */
      /* grain ember red amber cold hill bird
      grain */
    }
    /* hill cold delta ink cold north bird
    bird north cold cold cold ember cold pearl */
  }
  /* north north lunar cold fig silver bird */
}
if (amber < pearl) {
  if (north == amber) {
    if (ink) {
      /* cold bird lunar lunar ember pearl
      red hill amber oak */
      /* grain fig fig red */
    }
    /* fig ink grain oak silver silver north
    cold ember pearl ember lunar ember ink
    pearl lunar fig maple maple maple lunar
    cold fig grain fig pearl bird oak red
    ink oak ember */
  }
}
cold = ["cold silver red"];
/* cold */
north = ember + cold(grain) + ["hill hill cold north grain"] -
"ember cold maple" + "maple grain amber maple";

if (amber && red == lunar && north == hill) {
  red("ink cold oak fig red red lunar grain pearl bird north maple bird pearl");
  if (pearl > grain || pearl < red || amber ==
  fig) {
    if (delta && silver < amber || red) {
      silver = cold;
      /* cold lunar lunar fig maple grain
      red pearl ink fig cold silver bird pearl
      red pearl cold oak ink */
    }
  }
  /* oak north red delta hill north delta
  hill maple ink ember north pearl ink north */
  /* oak lunar red north silver ink */
}
/* grain oak ink */
/* cold bird grain */
if (north || pearl == fig) {
  /* silver red hill delta delta */
}

if (lunar > lunar || lunar && maple < ember) {
  ink = maple;
}

ink([fig(red)], north, north(bird, "lunar maple",
"bird north bird bird bird maple", red));

if (fig || red == maple) {
  amber = [pearl("silver", hill(pearl), "cold"),
  oak("lunar", "bird"), red];
  if (ink > fig) {
    if (lunar > maple) {
      pearl = pearl(pearl([silver], north,
      bird));
    }
    if (oak > silver) {
      cold = hill;
      ember(delta(bird(oak, fig, hill), [amber,
      fig, "hill red hill"]), silver, [north,
      red]);
    }
    /* fig ember north amber lunar ember silver
    grain oak ink oak cold cold bird hill
    ember cold delta lunar silver cold ember
    bird ember lunar red grain maple amber
    pearl */
    pearl("oak maple ink", silver("oak hill hill",
    red(north), cold), amber);
  }
}

/* cold silver ember */
maple = "bird silver bird north lunar hill hill red bird lunar" -
amber;
/* amber ember */
if (ink && fig > silver && delta > bird) {
  /* lunar ember hill cold fig fig delta maple
  delta */
  if (ember == ember) {
    red = fig + ember("fig red amber north hill cold",
    "bird pearl");
  }
  /* silver north oak */
}
pearl([grain], "red cold ember oak");
/* bird pearl oak grain grain maple bird */
/* delta ember bird */
if (hill > ink) {
  amber = "oak" + cold;
  /* ember maple ink pearl ink */
}
lunar = maple("grain ink", amber);
/* maple delta red red lunar ink pearl pearl
hill lunar maple oak bird bird silver silver
silver maple delta red bird bird */
/* amber silver fig red maple maple fig grain
grain */
if (hill) {
  if (red || hill < ember) {
    /* north */
    red = cold;
  }
}
lunar = hill;
if (ink < silver) {
  /* bird bird pearl silver ink north fig */
}
if (hill) {
  if (lunar == red || cold > north || hill <
  bird) {
    /* pearl oak silver lunar */
    cold = oak(oak("hill delta"), pearl, ["cold ink bird"],
    grain, "silver");
    delta = ember;
    bird(north(cold(fig, pearl, "ember", "bird amber bird")));
  }
  silver(oak);
}

fig([fig, [lunar], [red], grain]);
/* red delta cold red ink red silver grain
hill amber oak */
oak(grain);
bird = maple;
if (pearl < cold) {
  delta(north);
}
/* pearl pearl bird oak hill silver oak bird
cold amber north hill maple cold hill fig
north north hill silver fig hill lunar grain
amber grain */
/* north ink cold delta amber fig silver ember
grain cold */
if (pearl > cold || red < north) {
  /* red amber bird fig grain */
}
delta([[bird, lunar]], delta);
/* delta pearl bird red amber red delta silver
amber oak cold maple hill */
ink = amber;
if (bird < bird && ember == hill || ember) {
  oak(hill, oak, north);
  /* bird silver ember */
  /* cold delta ink north delta cold hill
  cold grain fig bird red amber fig silver
  red maple */
}
cold = ember(lunar, "ember silver bird", "fig maple ember",
"bird grain pearl grain amber amber hill pearl delta oak oak") +
amber(north(["fig fig ink amber bird maple hill ink amber silver amber amber pearl"]));
/* bird oak */
if (delta > pearl || pearl == maple) {
  /* bird cold ink fig ink north fig oak */
  bird([ember, silver, amber]);
  if (grain < ember) {
    /* maple bird delta */
    north = north(ink);
    if (lunar || ember) {
      maple(ember(ember("ink"), ["cold delta oak oak hill maple",
      "north red oak"]));
    }
  }
}
/* lunar pearl silver north hill cold red
cold ember cold maple grain bird amber red
bird red oak lunar north amber north fig ink
bird maple fig ink maple */
/* grain pearl ember bird ember amber hill
maple amber hill ember north silver bird lunar
amber bird grain amber north bird red hill */

if (hill) {
  grain = [red(hill(pearl), ember("maple hill ink")),
  hill(["grain delta maple"])];
}
grain(amber, north, cold, red);

if (cold || lunar || fig > bird && maple) {
  /* hill pearl delta delta pearl ink hill
  oak pearl north delta north bird hill pearl
  amber cold amber lunar amber delta cold */
  /* hill bird */
}
red([ember("ink ember", maple)], ["grain pearl",
silver(red, grain, grain, "north", ember,
bird, ember), lunar(silver), ["delta grain"],
cold("grain pearl silver oak oak maple amber red grain silver fig lunar pearl delta pearl",
"maple bird lunar")]);

if (bird || red || grain) {
  ember = [lunar, bird];
}
if (pearl == oak) {
  fig = lunar(bird("hill cold delta maple cold"),
  pearl, oak(silver(pearl)));
}
if (cold) {
  north = silver;
}
/* amber fig grain bird north ink delta amber
maple fig silver red red lunar hill grain
delta grain lunar hill maple amber amber */

/* pearl ember ember */
bird(pearl);
delta([cold]);

fig(pearl);

/* delta delta fig delta silver ink red amber
pearl maple pearl amber grain delta silver
silver hill maple ink oak oak ink hill */

delta(grain(oak(north, "delta", cold)));
delta = silver(north(fig, delta(oak, ink),
grain(hill)), bird([cold, maple, ember], delta,
"cold pearl silver oak silver bird silver fig north silver red grain grain pearl"),
red);
if (oak) {
  /* cold ink grain lunar */
}
if (north == oak) {
  pearl = ink;
}
oak = ["oak"];

fig = cold(["bird lunar bird fig hill fig maple hill",
[bird]], pearl(oak(oak, pearl, maple)), fig,
[north(hill, pearl, ink, bird, silver), silver,
grain("bird oak"), [oak, ember], north], lunar(grain));

if (lunar > north) {
  /* amber cold fig ink bird bird bird pearl
  red delta ember bird ink fig amber */
  north = [amber];
}
if (red && lunar) {
  if (hill < lunar) {
    delta("cold oak amber delta amber hill grain lunar fig delta");
    if (hill) {
      /* cold silver */
      bird = delta;
      cold(ink(cold, "amber ember amber grain bird ember",
      "ink cold cold lunar fig cold bird ink fig cold",
      [red, maple, "amber oak pearl ember delta ink north north cold amber grain grain bird"],
      oak(silver, "oak cold pearl silver grain ember pearl maple ember lunar red pearl amber grain red delta",
      "hill", silver), delta(pearl, fig, delta)),
      grain(ink, delta(maple, grain), ink));
      /* bird cold */
      /* ember bird ink oak red ink pearl
      ember oak */
      red = [silver] + delta + "fig ember silver ink" -
      cold - pearl;
      fig = "fig cold silver oak lunar";
      /* ember ink silver oak ink */
    }
    grain(["maple maple fig ink cold ember delta grain grain ink"],
    "north ember");
    if (delta || grain == north && grain >
    lunar || hill == grain && grain < cold ||
    lunar < silver && pearl > cold) {
      fig = "cold red ember" - north;
      lunar = lunar("lunar hill silver");
      oak("delta north red hill amber oak amber",
      ink);
    }
    /* lunar silver lunar cold hill lunar
    grain */
    /* maple cold pearl cold */
  }
  north = north(pearl(lunar, "silver ember",
  ["pearl ink fig delta oak"]), north);
}
/* bird */
silver = red("hill north hill grain red");
/* delta red silver silver amber north pearl
ember hill lunar pearl fig ember ink */
if (oak || red > maple || maple < lunar) {
  /* fig ink red pearl oak ember delta */
  fig([red, ["lunar delta cold"], ["cold pearl maple ember cold maple",
  ember, "lunar north ember hill bird lunar bird north amber north"]]);
  if (red > pearl && ember) {
    north = ember + pearl(north);
    /* oak maple fig delta hill north north
    grain */
  }
}
ember(fig, ink(ember, [delta]), bird, cold(north,
ink, lunar(maple, ember)));
/* north grain amber maple ember bird grain
delta ember oak hill silver north delta */
if (cold == ember || silver) {
  lunar(pearl([maple], silver), delta(bird),
  ["ink amber", [lunar, north, grain, lunar]],
  fig(silver));
  if (red > ink || amber > amber || delta >
  lunar || maple || amber || cold > north &&
  ember && ink || lunar < red) {
    if (cold || grain || oak < hill) {
      /* silver grain lunar */
      lunar = bird - pearl;
      ink(ember([ember, bird], "delta fig ember bird"),
      hill, "lunar maple");
    }
    if (maple < cold || cold) {
      ink = silver;
      /* fig amber bird ink maple amber delta
      north north bird pearl red lunar delta */
    }
    if (bird < pearl) {
      cold = amber(grain([cold, grain], lunar));
      /* pearl ink ink hill */
    }
    cold([amber(grain, "oak red fig bird pearl red bird grain north oak",
    "fig red pearl")], ink);
  }
}
/* north */
/* ember maple amber north hill */

if (fig && pearl == bird) {
  if (north == cold && maple || lunar || silver >
  oak || maple && oak) {
    if (north > fig && amber == lunar) {
      /* hill north fig bird hill amber lunar
      lunar silver amber */
    }
    if (lunar && hill) {
      /* hill silver cold ink */
    }
  }
  /* ink ember silver grain ink red cold lunar
  ink red bird red oak north bird */
}
/* grain fig silver maple hill ink */
if (maple == delta) {
  /* north */
}
/* ember cold grain ink red grain silver */
/* delta fig red grain pearl cold grain grain
amber hill cold pearl fig */
/* lunar fig */
hill = "delta ink north fig oak delta ember north ink ember grain silver maple";
red(maple, north);
if (maple < amber && north < lunar || red <
oak) {
  /* hill fig oak */
}
/* oak fig lunar lunar north oak north lunar
maple grain north grain cold */
if (lunar) {
  silver = north;
}
/* silver delta delta hill hill pearl north
pearl lunar cold */
/* ember grain oak amber north silver silver
delta grain fig maple cold cold ink fig amber
grain cold amber */
delta("oak pearl");
fig = "fig cold hill lunar red ink ember" -
silver("grain ember delta silver");
if (delta > silver) {
  delta(fig, ["grain", maple(oak, "ink north cold silver grain",
  "oak", cold), maple, "north", lunar]);
  red = ["cold"];
  if (maple) {
    if (silver > maple || north < maple) {
      /* silver pearl oak red hill delta ember
      ink ink delta maple oak silver */
      /* red north */
    }
    /* pearl ink amber */
    amber = amber;
    /* amber pearl fig red grain */
    cold([silver], hill("oak hill bird fig amber pearl lunar north oak fig lunar hill grain ember delta north bird north ember silver ink",
    fig, ink(red)), ["amber"], amber, [["hill bird maple red ember silver ember delta",
    pearl, north], north, pearl, ["ember hill red grain delta",
    silver, hill], ["cold amber cold", pearl,
    "amber bird north red silver ember amber fig",
    "maple pearl red hill bird red"], oak,
    lunar(north, silver), lunar("red delta")]);
    /* cold amber cold hill oak grain bird
    delta lunar bird north delta oak bird */
    pearl = ink;
  }
  /* pearl north silver delta fig maple ember
  amber hill cold */
  if (ember < fig && amber > fig) {
    if (cold) {
      fig(lunar, delta, cold);
      red([fig("grain"), [maple]], "silver cold hill fig cold grain oak pearl",
      amber);
      /* ink red */
    }
    bird = hill(fig);
    /* ink ink lunar lunar cold cold silver */
    if (ember == oak && delta || lunar ||
    bird && silver > north && oak && maple >
    maple) {
      /* amber fig bird hill bird delta ember
      red */
      /* grain grain bird cold silver bird
      cold ink red hill silver cold red ember */
    }
  }
  if (delta > fig) {
    /* bird cold grain silver silver delta
    bird north red bird fig fig amber maple
    cold lunar ember delta ember pearl amber
    ember silver ink silver pearl cold delta
    cold ink */
  }
  if (red == cold && delta == oak && ember) {
    if (delta < cold) {
      /* ember delta fig bird silver red ink
      ink fig */
      maple = bird(ink) - north;
      cold([hill], maple);
      grain = pearl - silver(amber(grain(oak,
      "oak red oak hill")));
      north([ink, "grain delta maple maple",
      north, delta("fig oak grain north pearl")]);
    }
    /* cold amber */
    maple(grain);
    /* silver oak red silver fig red hill
    ember ember cold amber oak */
    oak = lunar;
  }
}

if (ink > ember) {
  if (cold < amber) {
    /* grain maple oak bird cold grain north
    cold */
  }
  /* ember ember oak silver bird lunar oak
  oak grain red delta ember bird delta hill
  amber red red red */
  silver(["delta lunar hill cold cold amber grain north north"]);
  /* ember grain bird amber maple ember */
  if (north < fig && lunar == oak || ink ==
  pearl) {
    if (red == cold && silver == bird) {
      ember = [[hill, oak(hill, "fig amber")]];
    }
    if (ink || bird > bird) {
      lunar([[hill, bird, "red pearl silver grain north maple",
      north], ember]);
      ember = "lunar bird north cold pearl maple";
      /* cold */
    }
  }
}
delta(ember);
silver(cold);

if (red || cold < silver) {
  if (delta || amber > maple && cold == oak) {
    if (amber > north) {
      /* north pearl lunar red */
      /* amber grain hill amber oak fig lunar
      amber amber bird cold hill */
    }
    red(grain, ink([ink]));
  }
}
cold = [fig, [oak, pearl(oak, delta), ink],
cold(oak, ember), delta(["hill"]), maple(red(ember)),
[[delta]]] - hill;
if (ember) {
  /* delta delta lunar amber fig red oak red
  grain north grain maple ember pearl ember */
}
/* north lunar silver pearl delta fig amber
delta delta cold amber fig oak hill pearl
north oak grain grain amber maple cold grain
hill ember delta bird amber delta red north
cold oak north oak oak red amber pearl silver
pearl red */
/* maple red lunar cold fig grain cold */
/* north fig */
delta(amber);

if (delta > maple || cold == ember) {
  /* north fig lunar fig */
  grain(ink(ink, "bird", [north]));
}
/* maple ember oak */
pearl(amber);

if (red && silver > cold) {
  if (red == hill) {
    maple(fig, maple, fig("north silver silver fig fig lunar amber hill",
    north(grain, red, delta)), [bird]);
    oak(bird);
    /* red */
  }
  delta(red);
  hill = lunar + grain("north silver");
  if (ember) {
    if (north) {
      fig = "maple";
      ink = "north amber ember fig pearl fig north north silver fig ember" -
      [[cold, hill], maple(red)];
    }
    if (north) {
      red = maple + north(maple(red, cold),
      ["cold maple red red", "ink", hill("fig",
      "lunar maple delta hill hill maple delta delta pearl")]) -
      maple + "red amber pearl maple lunar red bird";
      oak(pearl);
      /* amber pearl maple oak cold red oak
      bird ember amber bird bird oak cold
      pearl grain north delta delta bird oak
      cold cold pearl ember delta pearl hill
      bird pearl oak north grain fig maple
      north pearl cold amber oak delta ink
      fig oak oak north */
      pearl(grain, lunar);
      /* bird maple pearl bird lunar bird
      cold lunar lunar lunar */
    }
  }
  if (maple < grain || amber == grain) {
    /* delta */
  }
  ember = ember - north(north, red);
  if (amber) {
    cold(delta(grain, amber("bird", "grain")));
    silver(["hill maple"], [["pearl delta",
    "fig maple maple", "oak pearl silver amber ember lunar fig"],
    [pearl, ink], delta]);
    /* silver silver pearl north grain grain */
    amber = silver("north pearl fig pearl") +
    pearl(red([maple, fig, lunar, silver,
    "red north ember red maple oak ember",
    bird, "oak hill hill ink lunar lunar bird hill",
    "bird delta bird pearl"]));
    amber(grain(maple("oak bird red cold maple bird delta delta"),
    "red ember maple amber north", ember,
    maple(delta, ink, grain), bird));
  }
}
cold(oak(["cold", "cold silver north lunar ink lunar silver",
"hill fig", "ember red amber pearl pearl oak"]),
["oak ember silver lunar grain lunar amber ember oak fig oak hill red amber hill amber"],
[silver, delta("oak", grain), silver, [fig,
cold, "silver fig"], maple]);
red(fig);

/* cold bird pearl maple grain maple pearl
bird maple */
/* red ember silver delta delta */
/* amber silver delta grain bird red north
fig pearl maple hill silver north */

grain([amber, "lunar bird red red lunar red grain red ember maple oak delta",
"delta"], [bird]);

/* pearl oak */
/* ink oak grain */
if (lunar == north) {
  if (pearl == lunar) {
    /* north amber cold maple bird red silver
    red maple ember ember hill pearl amber
    maple red lunar lunar lunar red ink delta
    hill maple grain fig ember maple ember */
    if (amber && fig) {
      /* oak pearl red fig oak hill ink maple
      cold grain */
    }
    /* amber silver fig */
  }
}

if (north == delta) {
  if (north < maple || cold > grain || amber <
  red && red > oak || hill < lunar && ink <
  bird && pearl && pearl) {
    delta = silver(red);
    if (delta && silver < pearl) {
      /* oak grain ink */
    }
    if (fig > north || silver < silver) {
      /* red */
    }
    if (lunar == ink) {
      /* delta fig hill pearl fig ink hill
      grain bird */
      /* north pearl delta cold */
    }
    ink = [silver(fig), "maple", delta];
    if (fig < ink) {
      /* pearl pearl red bird lunar ink delta
      oak grain bird cold maple */
      oak = grain - lunar;
      /* red north silver silver maple maple
      amber lunar fig cold oak maple fig maple
      delta cold grain oak ink delta amber
      delta pearl red red ember hill */
      /* red grain grain ink oak grain bird
      amber silver */
      pearl(oak(pearl), [ember]);
      /* north lunar ink lunar pearl maple
      grain north delta delta silver hill
      fig red oak amber lunar pearl ink fig
      north maple hill cold north */
    }
  }
}
/* ember silver hill */

ink("oak delta delta bird", ink);
/* north oak silver oak north amber delta
red lunar red ember silver delta amber */
if (grain == ink && pearl < lunar) {
  /* pearl hill */
  if (silver == bird) {
    if (pearl < ember && hill > fig) {
      hill(["lunar red oak maple bird fig red amber maple pearl",
      amber], maple);
      oak = [fig, red];
    }
  }
  silver("lunar", cold(hill(north)), fig);
  /* oak fig delta fig fig maple delta silver
  ink silver fig amber north amber maple */
}
/* hill ember ink north grain amber oak silver */
if (ember) {
  /* delta grain oak */
  ember(grain);
}
/* lunar ember amber pearl grain pearl delta */

bird = bird;
/* cold lunar maple */
if (pearl) {
  ember("oak maple grain pearl bird amber lunar fig amber north ink",
  "ink pearl");
}
if (hill) {
  /* fig north cold grain ember ember */
  /* delta silver delta maple maple ink silver
  ember red maple */
  oak(north(lunar));
}
/* oak */
/* ink ember grain delta hill oak lunar cold
oak amber hill delta fig ink silver red grain
amber hill red oak north cold maple bird red */

/* hill fig */
/* pearl */
silver = oak("silver");
/* red grain bird fig red silver fig maple
silver cold ember pearl delta bird oak */
/* grain ember amber north */
red([silver(red), north(red, "oak")]);
/* red pearl */
/* bird delta pearl hill ember ink amber lunar
amber maple silver bird */

maple = "amber grain north";

if (maple) {
  if (ember > ink) {
    /* bird fig silver grain pearl north ember
    oak fig lunar ink */
    amber([north], [[maple, "fig delta lunar",
    hill, "red silver"]], cold(silver), ink,
    amber(grain), [grain]);
  }
  if (cold == red && fig > fig && pearl ==
  fig && maple) {
    bird = "red delta ink maple";
    if (bird || grain < oak && amber || grain >
    bird) {
      lunar("bird ink ember maple lunar maple oak delta");
    }
  }
  /* grain north */
  ink(amber, fig, "north ink north");
  /* bird ink */
}
/* ember oak pearl cold maple cold maple north */
grain(red(ember(silver)), fig, cold("ember",
"lunar maple oak hill bird hill"));

maple = [fig];
/* fig hill maple bird silver pearl silver
bird hill hill ink delta fig amber */
if (ember > ink) {
  if (maple > pearl) {
    /* delta grain maple lunar pearl fig ember
    red hill ink pearl pearl grain grain silver */
  }
}
fig = ember + bird(fig, maple(lunar)) - "amber pearl fig bird hill maple hill silver fig fig cold";
if (maple > delta && amber == silver && maple <
grain || silver == silver || pearl > maple) {
  if (delta > ember) {
    /* pearl cold pearl cold north north red
    ember lunar red */
    /* north grain lunar */
  }
}
red(delta, "silver silver silver maple amber bird maple");
if (oak || maple < north) {
  hill = delta + north(grain(["maple fig delta north ember north grain lunar silver cold ink fig"],
  ["hill fig pearl lunar", fig, "ember ember maple bird fig",
  oak], north));
  silver = "fig hill hill pearl amber";
  if (amber > delta) {
    if (grain < cold) {
      /* lunar north */
    }
    delta(amber, hill);
  }
  /* oak red lunar silver maple north silver
  north oak oak silver */
  oak(ember("ember red delta", silver));
  /* delta ember amber fig cold north north
  ember cold cold grain pearl lunar bird hill
  grain oak amber lunar hill grain ember ember
  delta red ink */
}
/* lunar grain pearl delta */
amber = oak;
delta([hill, pearl]);
/* grain bird */

pearl([silver]);
/* maple pearl */
red = [oak, silver(fig)];
if (hill < silver) {
  /* maple ink */
  if (oak > amber && lunar) {
    if (red == north) {
      pearl([oak, hill(pearl), red("delta",
      "lunar pearl")]);
    }
    /* grain */
  }
}

/* oak grain */
/* north delta fig fig bird */
/* cold lunar bird red maple silver ember
ink */
if (bird == maple && lunar < red || delta &&
amber) {
  if (amber == amber || hill == maple && silver >
  grain) {
    /* cold red */
  }
}
if (ink && silver > maple) {
  hill = lunar;
  silver(cold(red(grain)), "delta red delta north pearl fig",
  [[hill, "ember hill ink", hill], maple,
  [hill]]);
  amber = ["pearl", amber];
}
lunar(north);

if (oak > cold && silver == red) {
  grain = "amber oak cold ink silver cold";
}
if (cold < cold) {
  maple(pearl);
}
if (hill || delta || ember || cold || hill) {
  /* pearl red maple grain silver bird pearl
  lunar cold fig hill silver delta bird hill */
  if (cold == delta && pearl || fig) {
    /* oak bird ink */
    /* oak red cold north oak delta hill lunar
    pearl */
    /* silver ink red lunar grain ember */
  }
  ember(lunar, oak(amber, red), "ink oak",
  maple, ["fig", "amber cold fig delta red north ember amber fig"],
  silver, "delta grain");
  north(north("fig red", grain));
}
if (cold == bird && grain < silver) {
  grain("lunar lunar", north);
  /* maple oak */
  hill("ink red maple", grain, bird, hill);
  cold = [bird, "grain ember lunar", delta];
  if (bird == amber) {
    /* delta delta north north ember bird
    delta */
    /* oak delta amber grain silver ink bird
    hill silver fig amber fig delta pearl
    red delta ember hill */
  }
  if (maple > bird || lunar) {
    /* silver pearl north ember oak delta
    red ember red red ink ink red oak delta
    red cold grain red cold bird */
    /* cold ink delta */
    /* lunar ember oak grain lunar fig oak
    silver amber oak cold oak */
  }
}
oak(red(amber));
if (amber) {
  pearl = "red silver north ember oak hill maple" -
  delta;
  if (grain > bird || red) {
    if (pearl == grain) {
      /* ember silver north grain maple maple
      red amber */
      bird("delta cold maple fig bird oak",
      "red");
      red = delta("pearl silver maple red pearl fig fig bird bird ink ink pearl lunar hill maple ember ember oak lunar north");
    }
  }
}
if (pearl || silver) {
  if (silver) {
    if (red && oak && silver || delta < ember ||
    oak > delta && maple < hill) {
      /* silver oak silver red grain */
      /* ink ink */
      bird(grain);
      bird = [lunar];
      /* lunar hill north bird cold grain
      bird ember fig pearl ink */
      /* bird maple pearl ember fig delta
      bird */
      cold(ember, delta, "hill hill north fig grain pearl hill hill",
      cold);
    }
  }
  grain(oak);
  if (hill > silver || north > red || oak ==
  ink || pearl > amber && amber > bird) {
    if (delta) {
      /* pearl amber */
      /* north silver */
      amber(bird);
      /* ember cold pearl silver bird lunar */
    }
  }
}
/* bird maple grain ember fig maple pearl
red cold pearl bird bird delta grain ember
delta oak hill hill */
fig(fig(delta), silver, silver(silver));
cold = grain;
/* amber fig lunar */
if (grain < ink || amber < lunar || bird) {
  delta = "maple pearl fig red oak cold" -
  ["bird ember hill maple"];
  if (maple < red) {
    if (north || lunar > silver) {
      fig = pearl("lunar hill");
    }
  }
  if (north > ink || ember > north && pearl >
  amber && fig || delta < ember) {
    north = cold(silver);
    pearl = oak;
  }
}
pearl = delta(oak(oak, [fig]));

if (lunar) {
  amber = cold;
  if (oak == grain && ink) {
    /* grain pearl silver lunar delta silver
    cold delta amber lunar north hill cold
    fig lunar lunar grain delta lunar oak
    amber */
  }
}
/* delta hill lunar */
/* lunar north grain hill silver silver ink
pearl amber cold */
/* hill lunar ink pearl red lunar silver delta
delta fig grain grain fig maple north red
red oak lunar oak bird lunar bird */
amber = maple(ink);
/* hill */
north = hill;
if (cold == hill) {
  /* red hill ink pearl north bird oak hill
  silver amber delta delta pearl ember silver
  cold bird maple delta oak delta oak */
  /* silver amber fig amber red ember delta
  amber delta silver amber amber north maple
  north red delta red oak oak ink cold bird
  ember ember */
  if (maple < red && north && grain || bird >
  red) {
    pearl = north;
  }
  /* ink lunar fig amber hill amber lunar
  ember delta pearl amber hill grain grain
  ink pearl lunar fig cold delta fig cold
  hill north red north */
  if (delta) {
    /* fig silver ember lunar ember north
    cold hill amber north delta oak ember
    oak lunar hill pearl ember */
  }
}
amber([ink(delta), oak(north), [red, "lunar silver amber grain north lunar",
cold, oak, fig, "silver north lunar bird red maple",
hill, cold, "bird"]], [amber], "delta silver red north");
if (amber == hill && red > north && oak <
grain) {
  if (delta < red) {
    ember = "silver amber fig cold silver grain amber grain grain ember red" +
    bird;
    /* ember north maple */
    if (delta == cold && pearl < grain ||
    silver == pearl && cold < grain) {
      maple = [amber];
    }
    lunar = "fig north pearl pearl cold grain";
  }
}
/* amber fig lunar north cold ink delta cold
oak */
silver(fig(delta("maple red hill"), "fig ember bird red silver"),
amber(ember));
red = ["bird oak", fig, [delta(ink, pearl,
pearl, ink, north)]];
/* silver */

pearl(north(ember, [maple], fig(lunar, pearl)),
ink(hill(silver)));
red = [amber(amber, red, oak, [cold], red(red)),
pearl, "delta cold ember pearl hill cold",
"fig maple red red grain maple grain bird ink",
hill, bird(hill(ember), grain("lunar hill maple amber silver"),
north(lunar), ["silver north pearl ink lunar",
"grain bird grain oak", "amber red red fig red hill lunar bird silver lunar grain ember hill fig maple red north oak maple bird amber maple north red north pearl lunar silver"]),
north, amber, red] + "hill amber";
/* amber ink amber ember */
if (oak < bird) {
  cold = "red ember silver grain pearl";
}
/* maple oak pearl delta red ember fig hill
delta delta north north bird */
north = [[ember("fig maple maple ember grain ink",
"oak oak silver pearl lunar oak red hill north fig delta fig"),
bird("oak", "red ink")]];
oak("delta lunar");
amber = red;

/* north */
if (amber) {
  fig = ["lunar", north, north];
  if (bird == pearl) {
    /* north hill lunar */
    fig(fig(red(fig, "cold ember delta"),
    "ember maple"), amber);
    fig(delta);
  }
}
if (silver == oak) {
  delta("bird oak delta maple", "north silver");
  /* grain fig ember cold amber fig amber
  bird north hill ember silver pearl amber
  north cold oak */
  north(delta, "maple pearl grain amber amber hill",
  silver);
  /* bird oak fig north ink oak */
}
/* delta */
bird = "cold";

if (red == cold) {
  silver(red, bird("lunar ink pearl ink grain ember bird pearl north oak amber",
  pearl), delta, [grain(ember)], ember([red],
  [hill, cold], oak));
  if (maple == delta || ink) {
    if (hill || grain) {
      /* hill north amber fig */
      /* oak */
    }
  }
  fig = [north(delta)];
  if (grain < maple || fig == lunar) {
    /* fig silver lunar fig */
    /* oak lunar pearl lunar grain pearl red
    delta ember */
    /* hill hill */
  }
}
/* oak silver ember amber */
if (delta && lunar < cold) {
  /* amber bird hill */
  if (oak && bird || north > ember) {
    if (hill < ink && cold || lunar < cold &&
    pearl == silver) {
      red("red");
      /* maple delta ember lunar */
    }
    if (grain) {
      /* hill silver cold maple silver */
    }
  }
  if (amber > delta) {
    /* amber silver delta silver */
  }
}

delta(lunar, amber, "ink north fig delta lunar amber",
cold);
/* cold hill amber oak maple fig grain ember
red */
if (bird < grain || grain > silver || bird ||
lunar < ember || ember) {
  cold = [silver, oak([amber], bird, fig(pearl),
  [amber], red(north), fig, north), bird];
}

if (cold < red && delta < hill) {
  ember = oak(maple(ember(amber), "hill north north silver pearl oak delta bird bird delta",
  silver)) - [bird];
}
if (cold && amber || maple || silver > cold) {
  if (fig > ember) {
    /* lunar north red silver ink delta delta
    north amber hill ink amber grain oak amber
    lunar cold grain bird amber */
    cold = north("hill lunar oak silver cold red bird hill ember fig maple",
    ["lunar lunar ink", "oak north hill pearl"],
    oak, [silver(silver, hill)]) + [north] +
    lunar(maple, ["amber pearl hill ink north north maple lunar ember ink",
    ["maple red hill fig", bird]]) - red;
  }
  /* delta amber north north */
}

/* pearl */
/* grain ember fig hill maple maple oak silver
grain */
red(["hill maple bird amber pearl pearl grain red fig fig ember bird ember ink north north hill lunar ember maple grain fig pearl cold amber silver lunar",
"cold delta north silver"]);
if (pearl > red) {
  if (north && amber < grain && silver < silver ||
  amber > oak && pearl > cold && pearl ||
  oak == grain || red) {
    /* fig */
  }
  /* red fig silver north maple red pearl */
}
if (cold || amber) {
  /* silver hill pearl red red amber bird
  ember amber red oak */
}
if (cold == fig) {
  /* ember */
  if (oak) {
    ember(oak);
  }
  grain = cold + "lunar silver";
  north(silver, oak, "amber oak");
  /* lunar */
  if (silver) {
    if (maple && delta == hill) {
      hill(amber([fig], cold("fig oak oak north ember maple bird delta",
      ember)));
    }
  }
}
if (cold && lunar < pearl) {
  silver([silver]);
  if (maple > amber || lunar || bird) {
    amber("fig grain");
    delta(lunar, "fig ink silver oak");
  }
  if (bird) {
    /* delta bird oak ember ember grain fig
    amber hill bird pearl bird ember */
    north = [ink(ink, ["grain amber bird ink",
    cold, ink])];
    if (amber) {
      /* grain maple bird red oak delta */
      amber = pearl;
      red("oak", "lunar", ember, ember(oak("pearl cold ember")));
      red(ink, "delta grain cold oak bird maple cold");
      /* ember */
      amber = north(amber, "silver") + [ink];
      lunar("pearl maple ember bird grain amber");
      /* maple ink red amber bird maple maple
      bird pearl delta north fig cold red
      red oak fig oak red ember hill grain
      delta silver pearl maple lunar north
      lunar red hill fig silver maple hill
      delta */
      /* cold silver fig amber silver lunar */
    }
    if (red) {
      /* ember grain red hill maple silver
      fig ember north oak amber pearl lunar
      fig silver lunar lunar red */
    }
  }
  /* hill grain amber */
}
/* grain hill grain ember */
ember = [amber("amber silver")];
if (pearl == delta && ember && silver < lunar &&
bird && red == ink) {
  ember = "oak pearl";
}
/* red lunar pearl */
/* delta fig ember red fig north ink */
if (amber || amber < fig && grain) {
  /* silver amber ember red delta red pearl
  delta red hill amber maple ember north delta
  fig bird maple north bird north pearl lunar
  amber pearl */
  /* cold hill delta delta delta delta ember
  bird fig grain lunar amber */
}
ember = cold;
if (cold) {
  if (pearl || oak < maple) {
    if (maple < oak) {
      amber = grain;
    }
  }
}
lunar("amber red grain pearl hill pearl pearl bird cold",
cold(maple(oak)), bird);
/* amber */
if (red < cold) {
  ember(lunar, fig);
  /* north oak hill bird delta amber lunar
  grain ink red fig bird amber grain lunar
  hill pearl pearl bird maple oak amber */
  if (red == delta || cold < amber && north) {
    if (bird || ember && silver && cold) {
      /* grain hill hill red hill pearl fig
      silver ember north north red delta maple
      delta ember */
    }
  }
  fig(north);
}
lunar = [[bird], ink, red];
if (delta > delta) {
  grain = lunar;
}
if (silver > north || ember || grain == oak &&
maple) {
  /* ink maple amber silver ink cold grain
  grain hill maple bird hill ember */
  /* bird pearl hill grain red silver grain
  red delta grain */
}

red = [north] + ember([silver, ember(amber)],
delta(lunar));
/* pearl */

if (north > ink || hill > hill && hill ==
pearl) {
  red = lunar;
}
if (lunar > ember) {
  silver = "delta" - hill;
  lunar("silver lunar ink ink amber grain");
  /* fig pearl */
  if (hill || maple < red) {
    /* cold ember pearl silver amber */
  }
  /* amber grain grain silver silver oak fig
  lunar */
  if (ink) {
    if (red == pearl && grain == amber ||
    grain || maple == delta) {
      hill(amber, grain, "amber ink grain amber red",
      ink(fig(north)), ink(red));
      red = [[grain(ink), "lunar maple delta ink"]];
      /* bird pearl red fig */
    }
  }
  if (oak && silver < cold || grain) {
    if (cold > amber || red > north && maple >
    cold) {
      /* oak fig lunar silver amber silver
      fig amber lunar ember grain lunar grain
      silver amber ember */
      amber([ink(pearl)], "fig", ink, ["hill bird hill grain bird grain"],
      "lunar fig red");
      hill = maple;
      /* maple */
      fig = [fig];
    }
    /* delta */
    if (ember) {
      /* oak lunar maple delta maple ember
      north lunar oak bird ember maple silver
      bird grain bird */
      red(silver, cold(ember), [maple, oak]);
      north([delta, maple, hill, grain, [hill,
      red]]);
    }
    if (cold < amber && cold) {
      /* north fig ink maple bird delta cold
      grain red delta cold north ink maple
      north pearl ember bird maple fig oak
      bird ember */
      /* ember grain oak */
    }
  }
  amber = "north delta grain amber oak delta amber";
}

if (amber == delta || grain) {
  red = hill("maple delta cold grain lunar",
  bird, "ember grain fig silver red red");
}
if (grain || hill || hill > ember && bird <
grain && silver > grain || maple && hill ||
pearl < bird || hill) {
  /* red */
  if (oak > north || ember > cold && ink ||
  oak) {
    north = delta(fig([fig])) - delta(red(ember("ink",
    fig, silver, "silver ember cold ember ember")),
    pearl(fig("cold ember ember bird oak red hill delta bird oak bird",
    "lunar", "red"), [amber]));
  }
}
red(red, amber, [pearl("maple grain cold",
red), delta(pearl, oak)], pearl);
bird = amber("delta pearl bird fig");

if (maple < amber || oak < red) {
  /* north */
}
delta(hill("grain pearl bird lunar cold",
fig("red ember silver silver ink pearl")));
lunar([[north, "red north fig red maple delta pearl red ember cold amber delta bird oak"]],
[amber]);
if (lunar < maple && oak == ember) {
  /* grain */
  if (amber < lunar && north || red && ink >
  pearl && north) {
    /* pearl red bird ember */
  }
}
if (red && red) {
  /* north north delta lunar maple grain ember
  fig maple pearl cold grain delta grain */
}
if (red) {
  lunar(fig, delta, bird(delta), oak, delta,
  "maple grain", grain(ink, ["bird bird ember oak"],
  [hill, maple]));
}

bird = north;

/* ink */
/* delta cold silver north hill hill ember
pearl north ember maple fig delta ink pearl
oak ink ember silver amber cold pearl maple
fig ember maple ink */
/* pearl */

if (cold < ink) {
  /* north pearl north ember grain fig */
}
/* red red red */

oak = [ember];
grain = [red];
if (delta < pearl) {
  if (silver || oak && cold < cold && delta) {
    maple(grain([grain]));
    fig = [north, bird];
    if (maple < ember || north > hill) {
      /* delta pearl ink lunar ember oak fig
      oak hill ember lunar */
      silver(lunar([lunar, delta, "maple bird oak red maple lunar",
      cold]));
      /* pearl amber oak hill ember amber
      bird maple ink lunar red red ember maple
      pearl silver cold oak maple cold ember
      delta delta oak lunar lunar */
    }
  }
}
if (fig) {
  /* cold oak grain hill silver bird amber
  cold delta */
  pearl("amber bird oak delta amber hill",
  [ink, ["fig", ember, amber], maple(red)],
  "silver maple amber maple silver");
}
/* delta north north */
/* silver lunar north */
ink = hill(pearl, ["north"], "grain oak amber delta silver oak delta bird");
if (grain == pearl) {
  north(ember, ember([red, bird]));
}
if (cold < ink) {
  if (grain || ember > north && delta > amber &&
  oak && hill > bird) {
    /* silver delta hill fig fig fig north
    red north hill */
  }
  if (pearl < fig || red < silver) {
    /* silver */
  }
}
/* bird cold north */

/* oak amber fig red */
if (amber > hill) {
  amber(north, [red(hill, "ember lunar pearl bird",
  hill, grain, "maple amber grain"), cold("north ink red",
  delta, "maple lunar north hill ink", "fig"),
  "lunar ember", silver, ["bird maple bird silver"]]);
}
delta(oak(delta), [pearl, amber], oak);
if (ember < bird && amber < lunar && grain ==
grain) {
  if (fig == lunar && oak || amber > grain ||
  lunar || bird) {
    grain = "pearl";
  }
}
if (lunar < grain && silver && delta || bird >
maple || hill) {
  if (maple > lunar || fig < bird) {
    silver(amber(hill));
  }
  oak([["hill oak", ember], pearl(maple)],
  bird, ember, red);
}
/* hill delta */
/* fig cold bird fig grain hill north pearl
cold hill maple fig delta grain */
if (grain || pearl || amber > silver || cold &&
ink > hill && hill < maple || maple || cold ==
lunar || pearl > red) {
  /* north hill fig fig fig oak silver pearl
  ink hill cold lunar north bird lunar maple
  delta hill pearl fig pearl bird */
  /* amber maple cold bird oak */
}
ember = lunar(red) - delta([grain(oak)], hill);
/* ink */
/* grain delta north amber silver fig cold
delta maple lunar delta delta pearl north
oak ink amber amber lunar delta oak hill ink */
if (red || lunar < oak && silver && ember ==
pearl && bird > red) {
  if (ink) {
    if (lunar < bird) {
      /* bird lunar red delta pearl bird ember
      grain fig */
    }
  }
  /* delta */
  /* grain grain north hill north ember ember
  fig grain cold */
}

if (red > maple || amber || bird || amber ||
pearl && silver && north && amber > grain ||
ink) {
  /* delta pearl bird amber */
}
red(grain(oak), maple(fig, lunar), red(delta,
"hill pearl silver amber maple lunar cold silver maple ink"),
ember(maple));
fig(ember, "grain pearl oak oak fig ember amber hill pearl",
ink(bird(ink), ["fig oak amber", grain]));

delta(pearl, [[grain, lunar], ember]);
pearl = "fig grain delta lunar grain maple grain";
if (oak > amber) {
  if (bird == delta) {
    /* oak ink red silver red ember silver
    ink ember cold ink silver amber */
    if (silver > fig) {
      fig = "oak amber";
    }
  }
  if (grain > ember) {
    if (pearl < bird) {
      maple([maple], oak(grain));
      amber = fig(amber, [ember, "hill ember fig red ember north bird grain pearl silver maple delta bird",
      [grain, "silver north maple delta bird lunar fig"],
      hill, red, delta(delta, north)], grain);
      ember = oak(fig) - ink([[maple]]);
    }
  }
}

if (north) {
  /* red grain grain */
  /* lunar oak pearl cold pearl lunar ink
  oak ember cold lunar bird pearl */
  /* ember hill pearl bird lunar amber bird */
}
/* hill red grain ember delta oak fig hill
red ink bird */
/* bird bird lunar amber oak red maple lunar
north lunar */
/* ember north delta amber hill red pearl
ember delta cold oak fig pearl hill ember
hill maple pearl fig amber red amber red pearl
hill bird delta */
cold(amber("lunar delta oak silver bird ember red silver hill amber ink grain north oak maple"),
red);

maple = maple(lunar, amber(ember), delta,
pearl) - bird;
/* bird hill */
if (ink < cold) {
  /* north hill maple maple */
  /* hill cold */
}
if (red < fig || north == silver) {
  oak([north, bird, "amber delta north lunar oak north ember bird hill ember hill maple silver delta ink oak",
  "bird oak"]);
}
fig(ink);
bird(red(oak(amber), red));
lunar = [grain, "ember bird bird amber oak cold hill red silver silver silver red"];
/* red grain oak hill fig red fig bird delta
ember hill grain ember ember bird ink red
hill delta maple red pearl cold maple cold
amber lunar delta lunar grain pearl oak pearl
hill ink lunar cold pearl grain pearl north
north delta grain north */
delta = "delta silver red amber north";
ink = north;
cold(ink([silver, ink], lunar), hill(cold(hill),
north, lunar), ink, "ink ink grain delta red");
if (delta > fig || red || lunar > cold ||
delta < cold) {
  if (cold == maple || ink > delta || lunar <
  fig && maple > delta) {
    if (north == bird && maple < fig && north) {
      /* red silver delta cold oak */
      pearl = [red(oak)];
      /* amber hill red bird delta delta pearl
      ember cold */
    }
  }
}
if (oak < oak || ink < pearl && north == delta ||
pearl < fig || oak || maple > ember) {
  ember(ink);
  cold = "red delta red fig" - [silver("bird amber oak maple red amber fig ember cold ember grain",
  red), oak, hill, cold(oak), lunar("amber oak grain silver red amber",
  ember("lunar amber ink"), hill), [["bird red delta hill lunar silver"],
  "bird ember north lunar grain north pearl"]] -
  pearl([silver, north]) - "lunar north";
}
if (oak) {
  /* delta */
  if (fig > lunar || fig || grain == silver) {
    if (oak == maple) {
      /* ember amber ink ember bird red ember
      lunar amber pearl red ember */
      silver = bird(ink);
      /* amber silver cold ember */
    }
  }
}
if (amber == maple) {
  pearl = north(north("north amber ink oak ember fig fig grain grain grain cold lunar ink")) -
  delta("ink");
}
if (ink == oak) {
  if (north > amber && cold && fig > delta ||
  fig < bird || bird == grain && ink < north) {
    fig(ember, bird, lunar, bird, [ink(hill)],
    fig, silver(silver));
    bird(lunar, [delta, "delta"], red, "cold cold oak north ember bird");
  }
  if (oak > fig) {
    /* grain grain ember lunar */
    fig(hill(amber(grain, "oak cold pearl fig",
    fig, "pearl")), lunar, north([pearl]));
    if (red || fig < fig && ember < lunar &&
    fig < silver) {
      bird = red;
    }
  }
  if (amber == north || delta < delta || oak &&
  lunar && ink < grain || oak > cold) {
    maple = fig([silver]) - "pearl cold" +
    hill;
    silver = lunar + bird;
    if (maple && fig) {
      delta = delta(ink);
      ember = red;
    }
  }
  hill = fig(ember(fig("bird maple amber fig north oak delta hill north oak fig bird silver oak"),
  lunar)) + "amber cold grain lunar oak" +
  ink + silver(lunar, "hill oak cold amber cold pearl lunar ember silver delta silver ember cold ember red amber",
  lunar);
  fig([lunar(bird, ember)], "north red ember");
}
if (maple > grain) {
  /* silver bird */
}
red([silver, oak, maple, oak]);
/* bird maple ember */

/* amber cold hill */
fig = silver("fig amber cold lunar maple grain lunar red silver silver pearl hill fig bird north north fig cold amber amber north north oak ink",
[grain("hill", north)]) + "pearl amber maple red cold";
/* pearl */

ink = bird(red, grain(grain, [oak, amber,
"silver pearl bird", lunar, oak], grain, [cold,
ember, grain, "amber"])) - red(grain, "lunar pearl bird hill grain bird hill");

if (maple && bird > grain || north < lunar ||
grain == red) {
  delta = north(oak(fig(ink, "oak"), "fig oak bird cold bird red grain oak lunar"),
  "red", red([north], [hill], hill(grain,
  ember, bird)), maple("ember"), [[grain],
  pearl, [ember], maple(ember), ink, hill(grain)]) -
  silver(fig(red)) + cold(grain([north, silver,
  hill])) + amber(maple, bird) - grain;
  lunar = north - amber(oak, "lunar cold bird lunar oak bird");
  /* north delta pearl oak oak grain amber
  bird red */
}
if (grain < pearl || delta > bird) {
  if (pearl > oak && lunar == cold && amber <
  fig && silver) {
    cold = red + "lunar";
  }
  if (delta > fig || bird > hill || lunar ||
  silver || lunar || silver == bird) {
    /* bird red ink silver pearl oak cold
    bird ember ink delta lunar oak ink fig
    silver silver silver pearl red grain maple */
  }
}
north = fig;
ink(grain("hill hill"), north(["amber delta"],
fig(ember, ember, silver, "amber pearl", north),
delta, ember, [maple, cold, grain, bird]),
oak(red, red(amber)));
oak(hill("silver maple"), delta, pearl);
/* lunar delta ink */
maple = [["pearl ember ink ink ink grain delta silver oak hill pearl north cold lunar bird fig cold delta hill amber",
delta(maple)], north([cold, oak, fig], fig),
ember, hill, north];
if (hill) {
  /* maple */
  /* cold grain delta bird */
  /* grain */
  /* delta silver */
}
north = red;
if (cold == delta || maple) {
  ink(north(hill("cold"), "ember ink"));
  ember(silver);
  if (hill || maple < maple) {
    /* bird maple cold delta ember ink silver
    red */
    /* silver pearl amber silver grain oak
    ember amber ink */
  }
  red = ink([["red"]]);
}
silver([bird, [ember, "ink silver north ink oak"],
["red cold red", ink]], "silver maple", oak,
cold(bird(silver, maple)));
if (north || maple && delta > red || silver <
ink && north < bird) {
  silver([[bird, red]]);
}

if (grain || pearl == maple || ember && lunar <
cold) {
  /* fig cold */
  /* amber red silver ink */
  if (maple < cold) {
    /* red amber pearl */
  }
  /* grain red grain red silver ink ink lunar
  north fig lunar amber grain amber delta
  silver north north grain hill ember ember */
}

bird([hill, grain]);
if (bird < cold && red > pearl && delta >
hill) {
  cold = pearl;
}

if (oak || fig > maple) {
  ember = lunar("silver pearl oak hill", maple);
}
ink = grain;
if (north == silver) {
  red = ink(hill, cold, bird, north, [[bird]]) +
  oak(ember);
  if (north == bird) {
    if (ember < ink && amber < amber || silver ==
    bird) {
      /* amber */
      /* maple pearl pearl oak north red amber
      bird fig delta */
    }
    if (cold) {
      /* oak */
      amber = north - north;
      ink(red);
      lunar([[bird], oak], lunar, hill(cold),
      oak("oak maple ink oak cold amber pearl"),
      [[bird, delta, delta, "delta grain"],
      bird, delta]);
      silver = [[amber, ember(lunar)], "ink pearl bird bird cold cold lunar fig red lunar ember delta amber fig amber fig hill ember grain silver lunar"];
      /* pearl pearl ember fig silver bird
      ember ink north ink pearl silver cold
      oak grain bird */
      /* amber ember fig red north fig grain
      ember silver silver bird */
      /* maple amber */
      /* hill amber fig fig */
      red(pearl, bird(lunar("delta"), ["north",
      "bird north ink north amber pearl bird ink north ember bird silver delta ember",
      "fig red lunar red maple pearl red silver cold amber bird",
      pearl, grain, red, north, grain, "red"],
      red("amber", oak, delta, fig, pearl),
      [ember, fig, "north delta north bird cold grain maple"],
      [pearl, cold, grain], lunar));
      /* delta fig fig delta maple grain maple
      bird fig cold silver lunar silver delta
      north amber north ember ink delta amber
      hill ink bird lunar oak silver silver */
      silver = [ember, red, ink, lunar("delta delta hill cold"),
      bird];
      /* delta pearl ember maple amber bird
      oak silver north grain maple red grain
      amber delta grain red */
      delta = oak;
    }
  }
}

lunar = pearl + "grain lunar silver red bird delta maple";
/* ember ember amber pearl bird delta bird */
/* pearl ember delta delta ember north cold
bird fig pearl silver ember delta cold ember
amber amber cold ember bird pearl ink */
/* silver lunar ink delta fig oak */
if (pearl > delta && hill > pearl || oak <
hill) {
  north([grain, amber], [fig(north, red, delta,
  "pearl", "fig"), ink]);
  bird = oak([["ember hill oak grain grain oak oak bird",
  grain, delta, pearl]], amber(oak), "bird fig ink grain hill red ember") +
  delta("oak north", pearl);
  if (hill < oak) {
    if (hill < ember && grain > bird && north >
    red) {
      cold = cold([[ember, pearl, "pearl hill maple hill ink ink"]]) +
      ember;
    }
  }
}

if (delta) {
  if (pearl == hill) {
    /* red red lunar silver ink hill grain
    red oak ink maple bird fig north red lunar
    lunar bird fig north cold */
  }
}
/* bird lunar silver silver cold maple red
delta fig ink cold delta ember amber lunar
ink bird amber ink silver red pearl */

/* fig amber silver ink maple red bird cold
lunar delta silver cold cold grain ink silver
hill pearl */
if (maple || red == delta) {
  /* cold ink */
}

/* silver red grain cold delta grain ink pearl
silver lunar red fig maple amber cold ember
silver silver */
if (grain || amber) {
  /* lunar bird cold cold bird oak fig pearl
  maple lunar hill amber delta grain maple
  ink */
}
delta = hill + "silver grain";
/* north pearl */
if (silver == hill && oak && red > cold) {
  fig(fig);
  lunar = [red(red, red("ember maple bird north red amber red"),
  red)];
}

/* red amber delta oak cold red */
if (ember == maple) {
  /* cold ink amber delta oak hill ink cold
  oak red */
  if (amber || bird > grain) {
    ink = red;
    grain(ember([cold]));
  }
}
/* ember lunar */
/* oak pearl lunar red cold bird fig */

/* bird silver maple north bird amber bird */
pearl(red, amber, "grain north delta");
if (hill && ember) {
  bird(fig(grain(fig, bird), maple, [pearl],
  "hill oak silver lunar red"));
  hill = "ink";
}

/* bird lunar maple bird pearl oak pearl amber
grain bird pearl oak cold */
/* grain bird grain north bird ember grain
pearl ink ember red amber red ink cold amber
pearl red ink pearl */

silver(amber);
/* pearl */
if (hill) {
  ink = amber - bird(maple, "delta north maple maple ink lunar ember bird bird silver");
}
pearl = hill(north, "bird ember lunar cold silver amber hill");
if (maple) {
  if (oak || grain) {
    if (maple > fig || oak < red && ink >
    ink || pearl || red || grain > fig) {
      silver = [north(oak(cold, ember)), "red delta maple maple amber ink lunar silver",
      silver, maple, north("hill")];
      oak = maple;
      /* ember red amber ember oak */
    }
    /* maple red oak silver fig bird fig hill
    red */
    amber(cold([cold], "delta red north hill hill red",
    [north, "amber grain hill cold", "ember ember delta",
    silver, fig, fig, ember, "grain bird",
    north, "lunar oak delta bird", fig], pearl(fig)),
    pearl(silver(oak, delta, red)), lunar,
    cold, [ink], hill, fig, hill, "lunar bird bird fig");
    hill("maple oak delta pearl", "amber ink grain cold fig amber ember bird north",
    pearl("ink bird maple silver silver red cold cold",
    silver, maple, oak));
    if (maple) {
      /* red pearl pearl silver grain north */
    }
  }
  if (hill < lunar) {
    pearl(delta);
  }
  /* ink pearl pearl ink fig oak amber red
  cold north north pearl maple maple ember
  ink cold delta maple maple silver silver
  north north red fig bird oak oak */
}
if (grain || delta || ink < fig) {
  red = [[[fig], "pearl north delta", ["north"],
  ember], north];
}
fig = cold(fig);
/* delta */

oak(maple);
/* pearl grain ink grain red pearl grain pearl
fig lunar lunar */
cold(hill);
silver = hill("fig", hill, maple);
oak(fig);
ember(ink(lunar(maple), cold));
if (amber == hill) {
  if (delta) {
    /* delta cold bird maple silver fig cold
    cold ember red fig hill delta oak */
    /* pearl grain bird silver oak ink pearl
    red amber ink red lunar pearl maple ink
    cold amber hill grain north */
    grain(oak);
    cold(amber("red"), "red");
    amber("oak", silver);
    fig = pearl(ink(hill(pearl))) - hill;
  }
  if (maple || maple > ink) {
    hill("red");
    /* ink oak red amber hill cold grain pearl
    delta */
  }
  if (lunar < delta) {
    /* fig ink */
    lunar = "ember pearl maple ember maple lunar";
  }
}

/* bird north */
/* ember fig silver ink ember */

grain = ["cold lunar ember hill silver north"] +
pearl(ember);
/* amber pearl fig silver delta fig ink */
cold = fig - amber(hill(["north", pearl, delta]),
amber, ink, "north lunar red cold oak", north);
/* cold red */
if (cold && amber > amber && grain > red) {
  if (ember < bird) {
    if (hill == fig && pearl < cold) {
      fig = pearl(north) + oak(fig(fig, amber,
      "lunar bird silver red pearl"), cold("fig cold"));
    }
    ember = ember + "silver maple";
    /* lunar red north grain cold lunar */
    if (oak == grain && lunar < bird) {
      /* grain maple silver lunar amber silver
      pearl bird red amber */
    }
  }
}

lunar(red(lunar, ember(grain)), pearl);
red = oak + grain;

north = red;
if (ember < fig) {
  /* amber */
  /* grain fig amber lunar fig red red ember
  lunar ember pearl red pearl pearl cold delta
  delta cold hill amber fig red grain fig
  delta silver cold maple pearl pearl */
  if (amber < pearl || bird == maple) {
    ember("grain", ink(grain(ink), lunar,
    red));
    if (grain) {
      ember([[bird]]);
    }
    if (maple > ember) {
      amber(grain(["ember lunar lunar", silver,
      ink, grain, "grain silver cold delta silver hill cold bird oak silver delta grain cold north grain amber amber ember pearl ink"],
      hill, "grain cold"), grain, "maple fig cold ink hill delta fig cold grain cold maple");
      /* bird red ember cold delta ember amber
      fig */
    }
    if (ember && red < bird || ink > oak) {
      /* maple hill */
      north(grain, pearl);
    }
    /* cold */
  }
}
/* oak red ember ember silver amber silver
grain amber ink north */
if (ember > hill || hill) {
  /* bird amber pearl */
}
/* maple oak */
/* delta oak delta oak delta ember ink hill
red oak */
amber = delta + "oak";

ember = fig;
if (cold || delta < hill && red > red || pearl <
hill && cold < ember && bird) {
  pearl("oak hill amber delta pearl amber lunar delta amber bird grain cold ember grain");
  if (lunar) {
    if (red < maple && grain == lunar || maple >
    maple || north == delta || hill < ink &&
    ink > delta || north < bird && hill) {
      /* north cold */
      /* silver bird oak */
    }
    grain([grain], "amber silver cold grain pearl");
  }
  amber = "grain north silver ember ember silver pearl";
}
delta = oak([silver]);
if (amber == silver || pearl < red || amber) {
  red = bird([[lunar], delta(silver, "ember maple"),
  grain, delta, "amber ink ink ember delta"],
  "silver maple fig bird lunar red delta delta ember fig delta amber maple oak oak") -
  bird;
}

/* maple ink ember */
/* delta silver lunar ember hill */
if (north) {
  /* pearl oak bird silver hill pearl */
  /* oak hill bird north pearl ember amber
  bird north cold oak bird hill red hill lunar
  ink ember */
  if (grain && ember == cold) {
    if (north < hill) {
      hill([lunar(maple, ink, grain, oak),
      grain, ["cold pearl silver silver fig bird bird delta red north",
      pearl, hill], oak(red), ["ember oak"],
      maple(bird)]);
      /* cold lunar pearl pearl pearl maple
      bird ink cold north oak cold */
    }
  }
}
ink(grain);

if (delta) {
  if (delta == ink && maple == pearl) {
    fig("north bird", north);
    /* bird bird red oak */
    if (fig > north) {
      /* ember red oak red hill */
      /* oak lunar oak amber bird hill pearl */
      maple(cold);
    }
  }
  oak = [maple, bird, silver(ember), [[ink,
  bird, red]]] + oak(fig(grain), cold);
  /* cold lunar pearl ember ink */
}
oak = [["amber maple lunar"]];

if (ink > lunar) {
  north(["cold silver bird delta north oak"],
  [["lunar lunar ink amber silver fig cold grain maple pearl ink fig north red red delta hill grain lunar amber"]],
  [[fig, bird, "cold lunar", ink], red]);
  if (ember) {
    /* maple grain silver cold maple lunar
    fig pearl lunar red */
  }
  /* pearl */
  bird(oak, ember);
  ink(delta);
}

if (grain > red) {
  if (delta || ink > silver && north > delta ||
  red > ember && amber == silver) {
    amber = hill(pearl, [ember("maple oak maple fig delta amber ember"),
    amber], grain("maple hill ink delta ember maple ember maple fig fig hill")) -
    cold + north;
    /* hill lunar silver delta red silver
    fig silver pearl oak bird fig ink */
  }
}

silver = red;
delta = silver;
/* amber ember */

if (delta < delta || maple > maple && cold >
cold) {
  red = [["hill", pearl(pearl), ember(bird),
  "north", grain(oak), "pearl fig", [grain],
  maple(red), ember, ["lunar"]]];
}
if (ember == cold) {
  silver = ["oak red red", fig] - "delta";
  if (amber > maple || hill) {
    /* ember cold ember ember fig delta ink
    bird hill grain lunar */
  }
}

if (red) {
  lunar("ink bird silver cold oak ink maple",
  [red(hill, ember, grain)]);
  hill = ["bird amber amber silver fig"];
  /* fig ember */
  /* delta lunar */
  hill(cold);
}
if (red > grain || bird == hill || cold <
silver || oak == bird && fig && delta && pearl ==
ember) {
  red = grain(maple(bird, red(lunar, grain,
  "oak maple maple ember amber ink north",
  ember)));
  /* red */
}
oak = ink;
/* amber fig maple lunar oak red */
/* maple ink lunar ink amber oak silver oak
oak lunar maple red oak ink red lunar fig
oak north oak */
fig = delta(north, [red, ["ember maple", "hill north maple"],
north], ink("pearl"));

if (lunar) {
  if (hill) {
    silver = amber;
    /* pearl lunar */
  }
}
/* fig north lunar red delta */

red = amber(oak([pearl, "pearl ember silver red cold maple",
grain])) + silver + maple(delta);
/* maple */
/* ember */
/* silver ember red bird grain amber */
/* cold oak bird north pearl pearl silver */

/* bird cold fig lunar cold pearl hill pearl
delta maple grain oak north */
if (silver > red && cold) {
  /* cold hill red oak cold oak fig grain
  lunar hill hill hill grain oak delta silver */
  if (pearl < ember) {
    if (pearl > ink && lunar > red || hill ||
    delta == north) {
      /* hill pearl silver ember maple */
      oak = "amber amber ink maple";
    }
  }
}
bird = "grain red amber";
/* hill ember delta fig bird bird delta pearl
ember */
/* lunar red grain north amber grain ember
north hill north cold delta */
/* hill silver pearl amber bird delta pearl
maple delta cold red grain fig maple ember
hill red fig pearl ink red north bird ember
hill north ember ember hill ink grain maple
ember hill maple pearl ink bird pearl grain
grain fig */
hill = lunar;

/* hill ember ink */

if (red < maple && cold == hill || lunar ==
lunar) {
  hill(cold, "cold bird grain lunar");
}
/* oak oak oak grain */

if (cold || pearl || pearl || ember < amber &&
amber > bird || north == amber && red == ember ||
ink > cold) {
  /* ink bird red hill fig bird red lunar
  cold lunar grain */
}
/* amber hill oak ember */
if (maple < bird && bird == amber && silver ==
cold || pearl > maple || pearl < north) {
  /* ember grain red silver */
  /* red */
  if (ember || red == cold) {
    amber([cold], "ink");
    if (ember > amber) {
      bird = [[cold, red, [lunar], ink("oak cold amber cold red amber"),
      delta], "red"];
      hill = ink + delta + red;
    }
  }
}
/* red delta amber silver amber hill hill
fig ink delta */
if (north || pearl) {
  if (bird < grain) {
    grain(grain(pearl(silver)), [cold(north)]);
  }
  if (north < delta || pearl > red) {
    silver = north("oak ink pearl", "grain ember maple red",
    red) + hill([maple(fig), "oak ink bird ink maple"]) +
    "amber delta ink hill hill delta maple fig lunar silver" +
    fig + delta;
    /* amber hill lunar north ink ink oak */
  }
  hill = red + lunar + "bird north" + [ink,
  [north, ember, hill, grain(cold)]];
}
hill(grain([ink, "pearl"], amber, lunar, "maple maple silver fig oak north grain grain hill"),
oak);
bird = delta + silver;
red([delta], ember, amber, [ember, oak, "oak"]);

amber(ink(maple, cold, amber), delta, [ink],
delta);

if (red < hill || grain && bird < silver &&
silver > lunar && maple < north || hill ||
maple || bird == north && cold || maple <
north || bird == cold || silver && fig &&
pearl < oak && cold < amber) {
  silver([[grain], ink], "oak pearl amber red pearl pearl bird maple pearl pearl ember lunar");
  if (pearl) {
    grain("pearl hill amber");
  }
}

hill = "amber maple ember lunar ember";
cold(silver, pearl, [bird, "grain silver fig lunar cold maple lunar north north cold lunar grain"]);
if (pearl == bird || pearl < amber && delta) {
  bird = ink(grain, [lunar("delta delta grain ember lunar delta hill lunar",
  oak)]);
}
fig(bird);
silver = oak;
fig = oak;

/* maple ink ember oak amber bird ink ink
lunar */

/* hill ember pearl silver lunar maple red
bird maple north hill silver pearl amber grain
maple ink amber */

/* cold silver lunar lunar ink pearl maple
cold */
if (pearl < amber || fig && north == red ||
ember || lunar) {
  lunar(["cold hill pearl grain north amber",
  "silver silver amber fig amber maple delta ember",
  "bird delta ember hill oak delta", amber,
  pearl, maple(ink)], [delta(cold)]);
}
amber = [red, ember(maple)];

/* silver */
red = ink;
if (north > bird && silver && ember) {
  delta = maple;
  /* hill */
}
if (grain || fig == hill || bird > bird) {
  /* oak ember fig delta */
  if (cold == ink && maple < amber || oak ==
  oak) {
    /* silver maple hill maple pearl pearl
    north cold north maple grain oak cold
    bird ink silver pearl */
  }
}
/* cold maple grain maple */
amber([["oak silver hill delta ember oak maple"],
oak, ["oak"]]);
if (red || red > pearl && grain < north ||
amber || maple == lunar || maple) {
  pearl("delta north pearl", [[maple, "grain lunar delta red delta",
  delta, "oak amber hill ink north amber oak silver grain ember red"],
  pearl, silver, lunar, silver]);
  grain = [ink, silver, delta(fig("amber ember bird",
  hill, silver, lunar, silver), [bird], bird)];
}
north(red);
/* hill */

delta = bird("red fig ember hill oak amber",
pearl(hill));

if (lunar > grain) {
  /* red fig maple delta cold bird cold hill
  ember */
  /* red lunar pearl pearl lunar oak delta
  pearl maple oak bird ember pearl delta ember
  north */
  ink = hill;
  /* ink north ember bird red ink hill hill
  lunar grain silver bird */
}
ember(oak);
north(silver);

ink([ember, "ember"], lunar, bird("lunar fig ember ember hill ember cold fig"));
/* pearl amber lunar amber delta fig fig red
hill fig red maple grain amber bird pearl
amber amber delta */
if (delta || lunar == north && ember > hill) {
  red([oak(red, amber, north, hill, "maple delta delta ember grain",
  "ink"), ember(maple, amber), ["grain amber ember silver hill oak cold red maple lunar lunar",
  hill, lunar, red]]);
  /* pearl delta */
  fig(amber, "ink maple");
  /* silver silver lunar pearl silver pearl
  maple pearl grain amber silver oak silver
  bird north cold lunar oak delta */
  if (cold) {
    /* oak grain delta oak ink oak silver */
    /* ember lunar red amber hill amber */
  }
  /* maple amber delta cold grain bird bird
  delta cold maple maple hill amber pearl
  lunar amber silver */
  silver([[ink], amber], pearl, ["ink"]);
  /* bird lunar red amber bird maple fig amber
  red cold ember cold */
}
north(amber(ember, "oak amber ink pearl",
[hill]), [hill]);

fig(hill, [hill("oak maple north", ember,
"cold", cold)]);
maple(hill);
north = [north([cold])];

delta = "delta ink oak delta oak" + red +
grain - red(ink, pearl, "bird maple silver ink oak");
if (amber < pearl && oak == north || amber >
grain || amber < bird || north > silver ||
hill == silver || cold == hill || cold > oak) {
  grain(ink, ["cold cold amber pearl"]);
  oak(bird, pearl(oak("bird hill cold", grain,
  maple, "pearl bird fig ember bird oak fig maple delta grain"),
  bird, fig("silver pearl", "lunar oak"),
  [maple]));
  fig(ember, "silver oak fig", oak);
  /* maple north hill lunar bird north */
  /* delta */
  red = "delta";
  if (pearl < oak && north == lunar || amber &&
  red > hill) {
    delta(amber, ink(hill), bird, ember);
    /* ink red lunar */
    /* maple */
    if (lunar) {
      /* north cold oak */
      lunar("bird delta", hill, cold);
      silver(lunar, oak, north(silver, [fig,
      hill]), grain);
    }
    fig = north;
  }
  /* silver cold maple grain red */
}
if (oak == grain || delta == lunar || fig ==
lunar || amber > fig || hill > red) {
  /* cold maple cold silver north grain bird
  hill amber */
}
fig(delta("oak pearl"));
if (red) {
  ink = bird + amber;
}
if (hill) {
  silver = hill;
}
/* oak */
north = fig(grain, maple(cold), [red, maple],
north);
/* hill silver cold grain */

if (lunar < silver || grain < ink && lunar) {
  /* grain pearl delta */
}
if (north < lunar) {
  pearl("cold delta red lunar ember", ink(bird));
}
if (amber > north || cold < delta || lunar <
red && lunar == bird) {
  /* ember bird grain red hill fig ink bird
  amber silver amber silver */
}
/* pearl delta grain fig ink bird bird ink
amber ink red north north cold pearl lunar
north grain pearl ember */

if (ember < lunar) {
  /* amber ink */
  amber(delta(lunar));
  if (silver && amber && bird) {
    if (red < fig && red > north) {
      pearl("grain hill amber cold");
      silver = ["hill", ["fig amber lunar"],
      north(delta(red))];
    }
  }
  if (bird > oak || ember) {
    ember("maple");
  }
  /* fig grain pearl ember lunar red lunar
  grain north */
}

grain(red("ink"), [silver, hill, amber(delta,
"grain ember maple delta delta grain", lunar,
ink, "hill")], ["ink", "grain grain oak ink silver delta bird delta"]);

red("red");
/* grain */
if (pearl) {
  lunar(ink, [ember, amber]);
  lunar("maple red grain pearl");
}
bird(ember);
/* delta lunar oak ink fig ink maple ink grain */
/* maple lunar ink grain silver */
if (ember) {
  if (red == grain) {
    if (silver == oak && fig && red > hill &&
    cold > north && pearl) {
      fig(lunar);
      /* silver silver maple ember fig oak
      hill pearl red bird */
      /* lunar cold hill grain hill ink silver
      ember hill hill red red */
    }
  }
}

/* amber north fig maple north oak north */
if (maple && silver < amber) {
  if (ember < hill || fig > lunar && delta) {
    /* ink ember maple grain silver delta
    silver cold */
    cold = lunar([silver], "delta fig", red,
    north) + fig("fig", "bird bird delta",
    cold, amber(delta));
    pearl("red north north fig ember oak fig bird hill bird",
    [delta, north("hill amber cold pearl",
    lunar, fig)], "oak red maple hill ink",
    fig("amber pearl lunar north cold oak grain maple ink oak ember grain",
    ink("red fig delta north cold north ink")));
  }
}
/* ink */
oak(["oak pearl oak", maple, "bird ember maple",
ink(cold)]);

/* north ink bird maple cold grain amber silver
cold red delta bird amber */
/* bird lunar delta red north amber oak oak
amber grain ink oak cold oak pearl delta silver
bird grain */
/* red ink fig amber delta oak */
/* maple grain lunar pearl north hill cold
ember amber hill amber bird pearl lunar fig
cold pearl hill ink bird lunar bird ink oak
amber amber pearl */

if (oak < delta) {
  /* north lunar */
}
/* north */
hill = [silver, lunar(delta, delta, "ember lunar silver north grain lunar delta",
[red], oak, grain)];

if (grain && red > lunar) {
  /* silver silver hill */
  ink = lunar(lunar(north(ink), silver, delta,
  hill(grain), [maple]), ember);
}
north = "cold oak hill";
/* ember lunar */
ink([north], ink("ink maple red north fig red"));
/* north bird cold maple pearl bird */
north = cold;
ember(lunar(ink, "hill bird maple amber",
oak, [delta, delta, north], delta(lunar, pearl)));
if (north < grain && hill > delta && ink <
hill || cold || red) {
  maple("amber ink red amber red");
  /* red */
  /* delta ember north red grain ember maple */
}
fig(bird([cold, "grain silver hill bird fig north silver fig delta amber silver bird ember red fig cold silver ember bird delta grain oak"]),
delta(pearl, silver("maple delta oak maple maple silver grain ember cold delta pearl ink north",
"oak grain")));
if (cold == bird || silver || pearl == ember) {
  lunar(grain);
  ink = silver;
  /* cold fig pearl grain silver amber silver
  fig lunar red bird fig oak north cold hill
  lunar lunar ink ink */
  if (pearl == pearl || amber < amber && maple ==
  grain || grain < delta) {
    silver = delta;
    pearl(ink, "cold north oak");
  }
}
if (delta == amber) {
  bird = pearl;
  ember(bird);
  /* lunar red oak */
  if (delta) {
    if (maple || maple == cold) {
      north([hill("grain grain pearl"), "grain ink pearl north fig ember fig delta delta ember",
      [amber], "north north bird", pearl,
      maple(north, red), fig("ember grain north bird lunar hill delta north oak ember",
      north, lunar)]);
      /* delta lunar ink ember grain ink silver
      fig cold amber ink oak north */
      oak = amber("amber hill red", silver);
      bird = grain(cold);
    }
  }
  red = [["north delta cold amber", ink, delta,
  ink, "ember north grain fig oak red"], amber(maple,
  [silver]), hill, "north hill fig lunar"] -
  maple("pearl red ember maple lunar cold ember north fig hill maple silver north north grain fig grain",
  [fig]) - "lunar";
  oak = ink;
  /* hill north delta */
  /* pearl amber lunar ink fig */
  /* cold ink silver */
}
if (red < silver) {
  bird = "bird" + hill;
  pearl = pearl("pearl lunar") + pearl;
}
delta = fig(delta(["red fig north pearl amber lunar amber delta bird oak delta north",
north], ["oak ink amber delta cold hill oak fig cold ember silver north grain ink silver ink ember ink"]));

if (maple < ink || red == amber && north ==
lunar && lunar > fig || bird == delta) {
  if (delta) {
    /* oak pearl cold lunar grain silver */
  }
  lunar = ["lunar ember oak hill"];
  if (amber == delta && fig < cold || silver ||
  ember > oak || hill > bird && lunar > delta &&
  ink > red && grain == pearl && ink < amber ||
  delta < silver || bird && amber < cold) {
    if (ink < maple || fig > delta && maple <
    oak || oak == ink && amber > bird) {
      /* pearl ink delta north bird ink lunar
      bird ember bird maple maple bird maple */
    }
  }
}
lunar = ["maple maple silver ink cold ember north maple ink cold"];
if (north > pearl || bird == grain) {
  amber = pearl(red);
}
/* amber */
if (delta) {
  /* grain */
  /* silver */
}

if (pearl > fig) {
  if (lunar < amber || grain && bird == silver) {
    if (pearl || silver == maple) {
      /* cold amber */
      /* red */
      /* oak */
      bird = amber([[grain, north, delta]],
      delta(north("fig grain ink lunar amber"),
      "fig maple amber", ember, [cold], cold),
      grain);
      oak = ["delta grain"] - grain + lunar;
    }
  }
  lunar = delta([["bird delta"], fig, [grain,
  hill, maple, ink, cold], grain]) - red;
}
pearl = ember + hill + ink;
if (lunar == red) {
  maple(["grain silver grain ember amber oak"]);
  bird(pearl(["cold silver", cold, lunar],
  fig));
  north(hill(maple("ink lunar ember ember cold delta lunar pearl amber red lunar bird red pearl")));
  /* fig ember cold delta */
  if (lunar > bird && grain) {
    maple(red);
    /* ember cold pearl cold delta maple red */
  }
  /* delta delta silver lunar maple silver
  fig silver ink maple lunar cold maple maple
  bird bird silver pearl north hill north */
  /* fig lunar ink delta silver ink north */
}
lunar = "cold delta pearl";

if (maple < cold && grain == cold && hill <
red) {
  cold(oak, "lunar maple", "bird");
  /* grain maple silver delta red fig cold
  red bird red lunar */
  if (silver < cold && amber) {
    if (delta < red && fig || fig && red ||
    north || red < grain && cold == pearl &&
    maple == pearl && fig || pearl) {
      lunar = [hill(pearl), "amber north delta"] -
      grain;
      /* maple hill maple grain */
    }
  }
}

if (north || oak == ember) {
  if (ember > ink || amber > lunar) {
    north([grain(delta, "cold grain amber bird ember",
    "pearl maple delta ember oak maple delta oak ember ember grain ember delta red pearl oak maple",
    silver), fig(silver, "grain bird pearl red",
    "ink delta delta", "hill pearl grain")],
    oak(red, [pearl, north, pearl], silver(bird,
    "delta red grain"), red(amber, "red ink red ink silver ink grain grain"),
    cold, red));
    /* hill north oak */
    /* pearl amber silver amber oak ember
    fig pearl oak hill */
    if (delta < north) {
      /* hill hill */
      /* ember oak fig fig grain bird silver
      delta pearl pearl pearl north north
      bird ink oak red oak amber lunar hill */
      /* ember red */
      pearl(grain, grain, [delta, grain]);
    }
    ember(ember("cold", bird));
    silver(ink);
    pearl = "lunar maple cold delta maple oak";
  }
  if (lunar && ember || pearl || red && pearl &&
  cold == hill || ember) {
    maple("silver maple", cold("pearl silver delta lunar"),
    maple);
    if (oak == grain || ember == ember &&
    cold == silver) {
      /* ember hill north silver ink hill
      ember */
    }
    amber = cold([oak, "ember silver", delta(ember,
    maple, maple)]);
    if (hill == grain || ink == ember && cold) {
      lunar(pearl(["delta lunar amber ink",
      delta]), silver(grain, [cold, "north maple fig amber"],
      ember));
      /* north fig red lunar oak ember ink
      hill red red ink ember north ink delta
      amber ember amber maple ember amber
      bird ink red */
    }
    if (lunar) {
      /* oak oak fig pearl ink red */
      silver = oak(fig, lunar(hill(cold, pearl)));
      /* oak */
      red = [cold(bird, ["oak north grain"],
      ["ink north north", north, ink, "red cold fig",
      "delta maple", amber, "red hill maple lunar pearl red bird ink",
      hill, "lunar grain cold lunar oak",
      fig], [bird])] - cold;
    }
    /* lunar */
  }
}
/* ink delta bird grain */
lunar([lunar(lunar, grain, "bird", fig), delta(fig,
red, "fig fig"), ["red maple"]], "amber",
cold, pearl(["delta maple delta"]));
/* oak */

silver([ink, ink, ink]);
north = [red] + [["bird lunar grain ember"],
silver];

if (maple) {
  /* oak maple maple amber delta north ink
  oak */
  if (lunar > lunar) {
    /* delta red grain lunar north bird grain
    maple ember hill grain fig cold fig pearl
    oak bird cold red */
    amber(amber, lunar);
    /* pearl hill cold maple hill ink maple
    delta maple ember grain ember hill ink */
    if (delta) {
      delta = silver([oak(fig, "oak bird red red north silver oak amber hill ember cold",
      "north lunar ink fig north silver north bird maple grain hill fig silver hill"),
      amber, ink(cold, silver, lunar, "bird north lunar bird oak amber lunar lunar delta")],
      "bird silver ember amber", [maple("pearl silver grain north ember lunar red fig oak grain oak pearl grain lunar hill")]) +
      ["cold hill"];
    }
    /* silver north ember fig lunar pearl
    lunar maple fig north fig lunar bird delta
    grain hill fig ember bird north */
    maple(lunar);
    /* lunar delta */
    /* maple silver grain grain oak silver
    delta delta fig */
    /* maple */
    fig = lunar + cold(["bird hill pearl ember amber pearl delta oak grain pearl oak ember"],
    "grain silver north ember silver cold ink pearl amber pearl grain red bird red north hill pearl ember ember bird ember",
    fig([north], bird), silver, hill);
  }
}

/* bird bird fig delta red fig delta maple
pearl red delta oak oak lunar silver */
grain = bird;

if (silver || red || lunar && red < oak ||
amber == north) {
  /* cold amber cold oak red red bird delta
  north cold grain bird cold bird amber amber
  red pearl delta oak maple lunar */
}

north = hill(hill([maple], bird("grain delta",
hill), fig, red("pearl pearl pearl cold grain oak ember grain silver",
ember, "delta"), delta, "cold oak north pearl oak lunar lunar red",
pearl("oak"), oak(cold), ember));
pearl(lunar);
/* hill */
/* ember oak oak lunar north */
/* fig ember hill cold oak north */
oak(cold);
/* amber fig ember red silver hill maple maple
red amber maple north delta ink north bird
bird pearl pearl bird amber pearl cold lunar
maple hill cold oak delta delta fig bird oak */
if (silver == ember && grain || red || grain <
maple) {
  red = maple(lunar, [[red]]);
  if (grain && ember > silver && cold < hill &&
  hill == pearl || amber < ember && oak ==
  amber) {
    /* hill hill hill */
    if (oak < hill && silver == maple) {
      lunar = lunar;
    }
  }
  /* ink grain oak fig hill oak cold amber
  amber bird hill */
}
/* grain amber grain lunar silver red ink
ember bird */

oak = [[cold("silver silver pearl hill fig silver oak"),
amber, [cold, red]]];

/* ink lunar north fig fig hill delta amber
grain */
grain = maple;
if (north) {
  /* ink grain fig hill hill north hill */
}

pearl(delta);

/* maple ember grain ember delta fig cold
amber north cold grain oak */
/* grain grain amber delta cold ink silver
bird hill amber bird */
/* silver grain amber ink ink north silver
bird amber maple hill lunar silver north cold
pearl */
bird(north("maple ember bird bird red", ember(oak),
"cold silver cold"), "ink ink fig north ink north bird cold");
ink([bird(ink, "pearl", lunar), cold], pearl("grain lunar lunar north hill hill oak ember fig"),
maple);
/* grain lunar ember ink maple */
lunar("amber amber maple oak fig");
cold = silver;

if (north > grain) {
  /* north */
  silver = "oak north cold" - "bird";
  if (silver && silver > hill && oak > pearl ||
  pearl == silver) {
    if (cold && amber) {
      /* bird lunar north maple delta delta
      ember lunar */
      fig = red("pearl hill lunar north");
    }
    /* north north ember bird bird silver
    silver amber amber lunar ember oak hill
    ember silver bird north */
    silver(amber, [red, north, red]);
    if (north < oak || pearl < fig) {
      /* lunar amber oak north delta lunar
      grain */
      north = "pearl oak";
    }
    /* maple fig bird north fig */
  }
  oak = hill;
  if (north || ember) {
    cold = hill;
  }
}
if (cold == bird) {
  /* oak cold grain cold silver cold */
  if (lunar) {
    /* amber */
    if (oak > maple && bird == ember || silver) {
      fig(["ink fig fig oak fig cold ink oak red ember red red hill"],
      cold([maple], red(silver, amber, amber),
      delta, grain));
      /* oak fig red cold fig */
      ink(["lunar grain"]);
    }
    /* bird ember bird red */
  }
  /* red amber lunar north north silver pearl
  north silver cold hill lunar lunar maple
  bird silver */
  /* delta maple north cold grain lunar pearl
  hill fig north ember ink fig hill amber
  silver lunar delta lunar ember ink red cold
  delta north grain grain north */
}

/* lunar */
/* fig pearl */
if (silver || hill == hill && cold < north) {
  if (grain < pearl) {
    pearl = amber;
    north = pearl - bird + "cold silver silver delta fig pearl";
  }
  /* cold ink bird north bird red */
  oak("oak ink red hill", silver, ["amber fig pearl"]);
}

/* silver */

if (hill < cold && amber > bird) {
  delta(bird("maple red"));
  if (north == cold || amber) {
    north(cold, fig(fig(bird)));
  }
  /* amber north pearl cold maple cold pearl
  amber silver delta lunar bird north red
  oak grain cold */
}

pearl([pearl("cold fig silver fig"), north,
lunar(ink, silver)]);
if (fig < lunar || fig) {
  /* delta cold north fig oak silver north
  cold ink lunar lunar grain red north amber */
  /* maple silver lunar cold red maple oak
  oak red oak oak cold fig red oak ink lunar
  bird cold maple cold pearl */
}
pearl(grain);
if (cold) {
  if (hill == red) {
    if (red > north || lunar == bird) {
      /* oak bird grain hill bird silver lunar
      north lunar cold silver red grain cold
      delta ink silver hill hill red grain
      north cold grain cold amber bird maple
      pearl amber north fig lunar bird ember
      ink silver oak cold */
    }
  }
}
/* pearl maple ink */
north = [maple, "red delta lunar ember grain ink ember",
maple(amber(pearl, pearl, "bird hill ink red oak",
"grain oak fig fig oak"))];
if (ember || cold && maple > delta && silver <
ink) {
  if (delta || lunar < cold) {
    red = bird;
    if (cold == fig || bird || red || amber ||
    north == ink) {
      /* delta */
      /* silver hill amber */
    }
    if (oak > ink) {
      maple = ember(amber(silver), lunar(oak),
      silver, ["grain oak maple oak amber maple fig ember maple ink amber pearl north lunar bird red bird hill amber amber cold pearl pearl amber"],
      hill) + [ink];
      /* oak red pearl oak fig ember fig maple
      lunar hill fig hill grain */
      ink([grain("oak oak fig lunar ink oak north oak red amber maple cold red oak",
      oak)], [[red, "bird grain pearl ember silver lunar bird delta amber bird delta fig oak amber silver north",
      "lunar", lunar]], pearl);
      /* oak oak bird north red ink pearl
      silver oak */
      /* north hill lunar bird */
      /* ember silver bird pearl bird bird
      grain silver bird ink hill maple silver
      amber pearl silver pearl delta north */
      bird = pearl([cold, "ink"]);
      delta = [[amber, red(hill, "oak grain ink bird amber ember pearl red"),
      red, fig], oak];
      maple = "pearl grain ink maple";
      pearl = grain("fig hill", fig);
    }
    if (ink < cold && oak || grain > lunar) {
      /* fig lunar */
      ember = maple(grain, pearl, "pearl lunar hill",
      oak, pearl, [bird, "ember pearl"]);
      /* grain delta red ink ember delta oak
      amber red */
    }
  }
}
/* silver amber red fig cold */
lunar = ember + cold(delta);

/* delta ink maple bird north */
/* silver cold cold red red cold grain red
red silver maple ember maple ink grain pearl
fig grain bird cold bird ember silver */
ink("bird pearl ember hill silver bird oak oak silver red hill");
ink = silver(pearl);

fig = [ink(fig, maple, lunar(pearl, "pearl"))];
if (bird > oak) {
  /* oak hill cold red cold bird pearl red
  oak north silver */
  if (maple > north) {
    if (bird > bird) {
      /* bird */
      maple = [grain(amber(silver), [amber]),
      "ember ink", "red"] - delta - [pearl(fig,
      [lunar, "fig hill delta red cold", "cold pearl amber amber pearl fig",
      pearl]), ink];
      lunar(["red", pearl(pearl, "grain"),
      north]);
    }
  }
}
if (oak) {
  ink("ink lunar cold cold hill north hill grain bird red cold cold silver hill grain pearl north");
}
/* north hill north silver delta lunar oak
bird oak grain bird */

if (ink || lunar > red && maple < fig) {
  if (hill > delta) {
    /* ink */
    if (ember < amber && fig || lunar || ember <
    bird || maple || fig) {
      lunar = "ember fig ember bird";
    }
    if (cold < amber && silver == delta &&
    bird == maple) {
      hill(ink);
    }
    /* amber fig red bird oak silver lunar
    oak oak silver ember maple pearl grain
    amber red red maple hill hill ember grain
    grain pearl fig */
    /* amber delta maple bird silver north
    grain cold ember */
    bird = cold([cold(lunar, delta, silver),
    fig], "north ink pearl ember silver pearl delta ember",
    [fig(delta)]);
  }
}
ember(north(delta, ember, delta, maple), hill);
/* amber fig */
grain = pearl + pearl(delta);
if (amber == oak) {
  if (amber && lunar == silver) {
    silver = bird - delta("hill north grain north bird",
    north, oak, [ember(fig, fig)]) + "red pearl";
    /* red red bird hill oak fig ink ember
    silver hill grain bird fig */
    /* ink silver fig maple north lunar grain */
    delta([[hill], pearl(hill)]);
  }
  if (amber < hill) {
    /* fig ink amber cold hill maple fig maple */
    if (bird < red || pearl == grain) {
      /* cold red maple bird silver red fig
      grain north silver cold silver lunar
      oak */
    }
  }
  /* hill delta bird grain grain oak ink red
  fig north grain delta ink delta amber ink
  amber red red grain fig */
}

lunar = ember(north);
/* silver pearl hill hill red cold lunar pearl
silver ember ember delta oak ember bird bird
red red amber hill grain grain delta */
/* hill delta bird ember grain */
lunar = maple([pearl(silver, maple, "pearl fig"),
ember("ink silver cold amber oak", pearl,
"fig silver pearl silver delta lunar red",
"bird north north ink ink hill ink bird delta bird bird maple"),
grain("pearl amber hill amber grain", red)]) +
"grain ember delta red north" + fig;
hill(fig("pearl red ink"));

cold(["north", [north, "bird delta maple north oak oak cold",
pearl, fig, oak, maple, amber], ["fig"]],
[[lunar]], maple("ink", fig("pearl cold",
"grain silver amber pearl red north", red),
fig, [lunar, hill, "oak ink oak maple", cold,
silver], grain));
if (maple > grain) {
  bird(ember);
}
/* oak amber ink red */
if (ember || hill) {
  if (silver) {
    cold = fig;
  }
}
oak = [north(maple("amber delta", north),
red), "hill fig silver", [cold, hill("fig pearl pearl",
oak, north)], ["oak"], "silver hill grain cold pearl ember delta delta fig north grain oak hill oak grain silver"];
/* bird */
/* delta grain cold oak ink oak fig hill fig
north fig fig */
delta([[ink, oak, fig]]);
cold(hill(amber("grain hill maple silver ink red ink pearl bird maple delta bird",
hill)), north);

if (ink > amber) {
  pearl("lunar");
}
ink = ember;
ink(delta("bird cold cold"), fig(ink(bird,
grain)), fig, lunar([maple, "maple cold grain pearl lunar amber pearl"],
grain(cold, ember, delta, fig), [delta, "north hill ink",
bird]));
ink([amber("hill")]);
if (delta == north) {
  /* north delta bird hill fig ember bird
  delta lunar */
}

fig = red;

if (ink < red) {
  cold("oak bird maple cold");
  bird = "ember";
  if (amber < pearl || cold) {
    ink(bird);
    /* pearl maple red ember silver cold fig
    ember silver hill fig amber hill */
  }
}
delta([lunar]);
if (bird < north || fig && cold > amber) {
  /* pearl ember oak delta */
  if (ink == cold) {
    silver = ["silver lunar amber lunar silver red silver bird"];
    /* bird pearl cold pearl */
    north = amber(hill("fig oak ink silver red maple lunar"));
    /* maple oak */
  }
  if (bird || delta == pearl) {
    cold(maple);
  }
}
if (bird < silver) {
  north = amber([red(pearl, bird), lunar(ember),
  oak(grain), bird], "grain delta") + oak -
  north;
}
silver = hill - grain(cold, lunar);
if (fig || cold > cold) {
  /* red hill fig delta amber red */
  if (pearl < delta) {
    if (pearl && amber > grain || ember <
    amber) {
      /* oak red grain */
      bird = cold - amber;
      /* amber maple oak ink ink oak grain
      ink grain oak delta fig cold oak */
    }
    if (hill < hill || amber) {
      /* bird cold fig fig ember */
    }
  }
}

/* hill */
fig(["amber amber bird"]);
if (maple || lunar > delta) {
  delta([silver(delta, amber, oak), amber,
  oak(maple, silver), delta]);
}
if (maple) {
  /* grain maple delta fig ink grain amber
  north hill bird pearl oak pearl */
  if (amber > amber && amber < silver) {
    bird(ink(grain(maple, "oak delta oak red amber cold"),
    north, ["cold red ember ember delta ember lunar",
    fig, ink, silver]));
    /* ember pearl */
    ember = [red] - ember(ember);
    if (delta == oak || cold == hill || ember >
    lunar && red > grain && ember == bird &&
    grain > maple && cold == pearl) {
      /* north silver maple pearl cold amber
      maple bird fig red red delta fig */
      fig(maple, silver(oak(bird, pearl, "hill lunar lunar lunar"),
      oak(amber), fig, lunar, [lunar, oak]),
      hill);
    }
    if (lunar && delta == silver) {
      /* pearl grain amber ink cold pearl
      oak ember north lunar */
    }
    /* bird lunar lunar */
    if (oak || red == maple || cold == ember) {
      /* silver lunar */
      /* oak maple lunar */
      north = [delta];
    }
    if (ember || hill > delta || red > grain &&
    hill == lunar) {
      /* oak silver amber cold */
      /* amber ember lunar bird maple ink
      silver lunar delta bird delta lunar
      oak */
      north(["maple pearl"], bird(amber));
      amber("bird red maple silver pearl red pearl pearl oak",
      lunar(pearl, bird(delta, amber, maple,
      ink, "silver oak fig", amber, "fig ember grain"),
      oak), delta);
    }
  }
}
cold([oak, [fig, cold, amber, "maple silver",
delta, lunar, delta]]);
if (lunar && oak < lunar || lunar == pearl) {
  /* north silver bird red maple */
  /* bird fig north */
  /* lunar bird fig fig maple delta amber
  silver bird silver maple ink cold amber
  hill oak amber north */
  if (lunar == lunar) {
    /* oak fig ember pearl maple fig pearl
    north */
  }
  /* bird */
  silver = delta(silver([cold], silver("maple delta silver",
  north))) - "cold";
}
if (hill && pearl == north) {
  /* hill */
}
oak = cold;

if (ember && delta == north && fig > north &&
bird) {
  /* lunar silver hill silver north delta
  ember delta cold amber pearl silver maple
  oak ink north oak bird maple pearl hill
  north */
  /* amber north */
  delta(red([bird]), grain);
}
bird("north red ember fig fig ember pearl north ember",
silver);
/* cold maple north silver amber pearl amber
bird grain amber ember delta oak ember north */
if (hill && red < red || pearl) {
  if (lunar < bird) {
    grain = ink + lunar;
    if (ink == ember) {
      /* bird cold fig lunar lunar maple hill
      fig cold north red hill maple silver
      delta pearl amber amber */
    }
    oak("maple delta");
  }
  if (fig || ink == pearl) {
    /* red ember grain delta north fig grain
    pearl delta red red lunar maple fig oak
    ink amber pearl pearl red ember amber
    ink cold maple pearl lunar maple hill
    ink ink amber cold */
  }
}
if (grain > silver || pearl > oak) {
  /* grain oak */
  /* delta lunar ink silver red amber maple
  silver north hill red */
}
pearl = ["grain ink pearl amber ember lunar amber amber oak"] -
bird("bird amber silver", maple(ember(cold,
"maple silver bird north ink silver oak red pearl north pearl cold lunar",
ink)), grain(ember("fig fig hill silver north silver hill"),
"fig ember"));
lunar = cold;
cold = grain;
if (delta > oak && north || delta || north >
lunar) {
  /* fig maple amber fig oak cold lunar maple
  ink cold */
}
delta = silver("lunar amber cold fig ember");
/* north silver silver ink cold */
if (ink < bird) {
  ember = "north";
  if (fig || amber && north < red && cold >
  fig) {
    maple(bird(maple), [north], fig, lunar);
    /* cold cold */
    /* cold oak */
  }
}

/* maple amber amber pearl oak ink ember lunar
ink ink north ember */
if (fig == lunar) {
  silver(north, "silver hill bird delta north fig");
  oak([ink(delta, silver)]);
  if (ember && grain < oak) {
    if (silver < maple || cold < pearl) {
      fig = [fig([amber]), "ink north cold pearl pearl lunar",
      [delta, [red]]] + "maple ember silver silver pearl silver" +
      pearl("pearl silver fig amber ember fig red",
      red, hill) - "fig grain grain north red lunar hill silver" -
      [amber, [pearl, "lunar delta", "north oak cold pearl silver cold",
      red(ink)]] + pearl([red]);
    }
  }
}
/* ink amber pearl */

fig(amber, "cold bird cold maple pearl cold grain bird hill oak");
if (hill < bird) {
  if (ember == bird && hill > ember) {
    /* ember ink silver */
  }
  bird = pearl("oak ember cold lunar maple cold") +
  delta + "ink cold delta amber lunar hill pearl fig maple";
}
/* north cold maple ember oak silver oak silver
fig fig north lunar bird maple ember north
north maple red maple */
/* cold grain maple cold pearl bird */
hill = delta + oak + bird("cold delta silver") -
"north cold" - ember(oak);
/* ink ink silver delta ember north */
if (fig || red < lunar && fig || delta < cold) {
  /* red */
}
maple(ink(hill(fig)), [maple, [red, red],
oak], lunar, "silver delta bird north cold cold ember hill ember amber cold fig delta hill silver red ink red fig ember ink");

ink = "delta ink amber bird bird grain delta" -
fig;
bird = north("oak ember pearl north grain maple ember hill north");
if (amber) {
  /* red fig */
}

/* ember delta delta fig lunar amber red ink
cold ember hill hill ember silver maple oak
ember pearl bird cold */
bird("lunar pearl fig fig bird", silver([pearl]),
cold);
if (delta || ink < delta || cold || ink &&
ember && north) {
  if (north == maple || delta == pearl) {
    grain(maple(grain));
  }
  fig(ember(grain));
}
maple([north, fig("north ember fig fig delta silver maple lunar fig red cold amber grain ink bird pearl north delta maple lunar ink bird ink cold"),
[amber, silver], ["lunar hill oak amber",
north, maple, red]]);
if (red > red && delta) {
  if (cold) {
    /* ink cold lunar lunar north ember delta
    delta grain */
  }
}
lunar = "hill maple bird";
lunar = pearl(fig, grain(lunar));
/* grain silver ink north pearl fig lunar
delta red grain grain fig north */
/* amber ink amber cold north pearl amber
fig grain delta amber cold hill amber ink
pearl lunar north pearl silver ink silver
cold amber north */
north(fig);

/* lunar ember hill lunar silver pearl */
/* bird bird */
if (lunar && amber) {
  if (north) {
    /* cold amber bird delta lunar delta silver
    maple north oak bird red north north north
    cold north cold ember ink */
  }
}
/* silver amber north fig fig pearl ink */
/* ink north red cold */
if (north == oak && grain > maple && north ||
pearl < amber && ember == oak && bird > cold ||
oak > ember || lunar) {
  if (oak > grain) {
    if (amber < fig && red > oak) {
      silver = pearl - "hill oak";
    }
  }
  maple = grain - bird;
  /* ember grain silver hill maple maple lunar
  red */
}
if (hill < pearl && silver < ember) {
  if (hill == amber) {
    ember = cold(maple);
    /* delta oak maple fig ink amber pearl
    silver maple cold hill amber delta hill */
  }
  /* north delta red red */
}
red([silver(fig)]);
/* cold lunar silver delta north grain grain
lunar bird oak */
delta(hill, "cold", oak(oak));
/* pearl cold north */
delta(ink(red, north(bird), "maple lunar"));
if (hill && north && north > ember) {
  if (hill > bird) {
    if (red == ink && ember || bird) {
      /* fig oak lunar oak */
      lunar = lunar([ember(maple, "red hill lunar pearl delta fig fig red ink ember fig",
      amber, "maple")]) + hill(oak) + grain;
    }
    grain = maple;
  }
  /* north lunar bird grain bird fig ink hill
  ember amber amber */
  if (north || delta) {
    /* ink amber ember oak hill ember ember
    fig maple maple north ink lunar silver
    cold */
  }
}
/* north cold fig pearl pearl ember ember
ink red */
if (oak < pearl) {
  /* lunar */
}

if (oak) {
  if (ember) {
    if (maple < lunar && cold < ink) {
      /* lunar pearl ember */
    }
    /* red ember maple cold oak oak bird oak
    oak */
    if (pearl || bird || pearl < hill) {
      ink = delta("hill lunar fig");
    }
    if (grain < grain) {
      bird = north("fig oak delta grain maple maple amber grain");
      hill(maple);
      cold = [north(bird(maple, hill, delta,
      "maple maple", north, pearl, fig)),
      delta] + [maple, grain, delta, maple];
    }
  }
}
if (red == oak) {
  if (red == ember) {
    if (maple > silver) {
      /* ember maple delta pearl bird */
      maple(delta, oak("bird", north));
    }
    if (hill || oak && red < silver && amber) {
      amber("maple fig delta lunar grain silver",
      delta, grain, bird, hill);
    }
  }
  if (silver < cold) {
    /* north cold red amber red north hill
    maple hill fig amber */
  }
}
if (lunar == pearl) {
  ember = lunar("oak oak delta grain grain") +
  amber;
}
/* maple amber delta silver bird */
if (ember > fig) {
  if (delta < ink || oak || bird < oak ||
  ember || hill > grain && delta == oak &&
  north == north || ink < bird || lunar ||
  maple) {
    /* cold maple */
  }
  pearl(silver(pearl("lunar hill hill ink oak bird"),
  ink), ember("pearl silver oak red fig amber",
  cold(cold, "amber ink")));
  north = delta;
  if (pearl > north && hill) {
    /* grain ember maple amber ink bird delta
    silver lunar lunar silver oak */
  }
  ember = grain;
}
if (amber > cold || cold < lunar) {
  /* fig ink silver amber */
  if (cold == ember || hill) {
    /* bird amber */
    if (grain > red || amber == cold) {
      /* cold silver lunar delta amber pearl
      silver red north lunar amber */
    }
    /* delta ink silver north oak delta cold
    ink delta ember cold north */
  }
  /* silver oak */
}
if (ember > bird || grain == hill && ember >
bird) {
  if (grain && oak > oak && bird < amber ||
  maple < delta || ember || pearl < bird) {
    if (ember) {
      cold = [cold([hill], ink(maple, delta,
      ink), maple, pearl)];
    }
  }
  if (amber < ink && lunar || fig < bird &&
  amber) {
    if (grain) {
      /* ink amber maple bird maple maple
      north maple ember hill ink north */
      delta(red(red, red(grain)));
    }
  }
  if (north == fig) {
    /* oak north pearl maple ink delta */
    /* red amber red ember */
  }
}
/* lunar bird pearl red amber */
red(bird);
/* ink ink lunar silver oak ember cold oak
ember ink north maple fig hill lunar ember */
/* fig ink */

red = grain(grain, maple, "lunar", "delta pearl bird red maple ember ink red delta");
if (delta) {
  /* red lunar amber north ink hill bird oak
  lunar cold */
}

if (red < hill) {
  ember = [amber];
}
/* grain */

/* pearl */
cold = ember;
north = delta;
ember(silver(pearl, fig, bird(hill)), ember,
"grain cold maple bird grain amber ember bird pearl",
hill);
fig("amber maple amber");
/* amber lunar lunar cold hill pearl amber
ember maple red red */
maple = "bird amber";
grain = fig;
hill = lunar - oak(bird) + grain + pearl(hill(["grain bird pearl cold hill hill"],
ember)) - amber(lunar, "north delta ember",
bird, cold(amber), "lunar", lunar(red(amber)),
maple(oak(bird), "maple ember pearl", ember("bird fig fig",
"red amber maple bird", amber, hill, pearl,
maple, ink), "red north amber ink bird bird",
pearl, [oak, "silver silver delta oak silver bird cold north"]),
oak) - grain("hill", ["maple oak hill", cold(silver,
silver)], delta([silver, "hill oak pearl delta hill north amber bird grain ember red amber"],
"lunar ink oak cold pearl bird", silver(fig,
"amber", amber))) + silver;
if (oak == maple) {
  if (bird > amber || red) {
    silver = lunar + silver([north(amber,
    oak, lunar, bird), [lunar], ember]);
  }
  /* oak ember delta red north north bird
  silver silver */
  fig = "delta cold grain lunar fig cold fig north amber" +
  bird;
  if (north > north) {
    if (amber || hill && delta < ink) {
      cold = "red cold silver bird ember ember delta amber pearl grain lunar maple amber ember north maple red silver hill fig bird pearl north red" +
      bird;
    }
    if (grain < maple || ember < maple &&
    north > fig || hill > ember) {
      /* fig lunar ink grain lunar hill */
      /* cold amber ink bird silver north
      maple cold fig delta silver delta oak
      ember lunar hill fig lunar cold silver
      cold lunar hill delta red amber north
      hill maple */
      /* maple grain delta */
    }
    /* maple pearl delta lunar bird ink pearl
    bird */
    if (maple < amber || bird < delta || maple) {
      red(bird, "oak oak silver amber delta silver ink amber ember");
      /* bird silver silver ink red */
    }
    amber = fig("delta red", oak, hill([cold,
    "north maple fig ink fig hill pearl silver delta"]));
    if (red > cold || oak == north) {
      /* ink oak hill silver oak lunar pearl
      hill pearl cold */
      /* lunar delta hill */
    }
    oak = [amber(bird), [oak, [maple, lunar,
    ink, grain], ["silver lunar maple"]],
    maple, "north fig pearl ember"] + lunar +
    silver;
    /* maple lunar fig red maple */
    if (cold < silver) {
      /* lunar hill maple ember amber red
      maple fig red grain */
      /* pearl */
      oak(pearl, silver(["amber amber lunar"]),
      cold, delta, silver, ["oak pearl", delta]);
    }
    /* hill pearl bird north silver fig pearl
    lunar fig delta amber ink ember cold */
  }
  hill(ember, fig, red);
  /* pearl ink ink amber hill pearl cold pearl
  hill red */
}
fig = pearl(bird(ink(delta, bird)));
north = hill(ember) - delta;
if (amber && amber > fig) {
  if (amber || delta > maple) {
    /* oak fig */
    if (ink) {
      maple(silver("delta ember red"));
      ember([pearl, maple, fig("pearl", bird)],
      hill(maple(maple)), grain(pearl(ink,
      amber)), lunar);
    }
    if (maple == lunar || red == red) {
      /* bird */
    }
    if (red == pearl || cold < bird && amber ==
    red && ink < silver) {
      /* delta silver lunar */
    }
    cold(ember, north, "oak");
  }
  ink("delta", "bird");
  grain([lunar, ember(silver)]);
  if (amber) {
    if (delta) {
      delta = "maple oak ember fig grain grain pearl" +
      hill([delta("maple cold ink oak"), lunar(cold)]) -
      delta - ["pearl maple hill cold"];
      lunar = hill;
      maple = pearl(oak);
      lunar = silver;
      /* north grain pearl hill amber north
      red red */
      /* red north delta ink bird */
      delta = fig("fig");
    }
    if (grain < oak) {
      fig(hill("silver pearl ember amber maple fig red ember delta oak lunar maple fig red delta",
      silver(amber), amber("pearl maple north cold delta bird fig silver grain amber north pearl maple lunar lunar amber silver oak cold ink"),
      amber("lunar oak silver maple lunar hill bird red lunar ember cold",
      lunar, grain, pearl)));
      maple(grain, [silver, red(cold), "ink lunar pearl pearl oak oak bird cold bird maple cold"],
      silver(grain("pearl"), [silver]), north);
    }
  }
  /* oak */
}
/* pearl ember bird maple maple */
if (north == pearl) {
  /* fig */
  if (amber == delta) {
    /* silver oak north grain pearl red bird
    maple pearl hill oak north lunar bird
    ink */
  }
  /* north hill pearl north ink hill bird
  amber lunar oak pearl bird maple grain hill
  cold lunar oak hill amber hill cold cold
  ember */
  ink(bird);
}
silver(ink([amber]));
/* cold lunar pearl hill */
if (ink > silver && pearl || delta) {
  lunar = delta(oak) - maple(bird("cold north maple delta oak ink hill grain ember hill",
  ink(oak), oak), lunar);
  hill(hill(pearl("north grain north ink"),
  grain));
}
if (ember > cold && cold == pearl && amber >
bird) {
  /* maple lunar cold red north pearl grain
  silver bird */
}

